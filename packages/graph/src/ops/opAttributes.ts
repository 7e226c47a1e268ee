import type { DType } from '../tensorType.ts';

type None = Readonly<Record<never, never>>;
type Reduction = { readonly axis: readonly number[]; readonly keepDims: boolean };
type Axis = { readonly axis: number };
type FlashAttention = { readonly scale: number; readonly causal: boolean; readonly tokensFirst: boolean };
type LinearLoss = { readonly ignore: number; readonly chunk: number; readonly transposeWeight: boolean };
type Transposes = { readonly transposeA: boolean; readonly transposeB: boolean };

type Unary =
  | 'Abs'
  | 'Ceil'
  | 'Cos'
  | 'Elu'
  | 'Erf'
  | 'Exp'
  | 'Expm1'
  | 'Floor'
  | 'Identity'
  | 'Log'
  | 'Log1p'
  | 'LogicalNot'
  | 'Neg'
  | 'OnesLike'
  | 'Reciprocal'
  | 'Relu'
  | 'Relu6'
  | 'Round'
  | 'Rsqrt'
  | 'Sigmoid'
  | 'Sign'
  | 'Sin'
  | 'Softplus'
  | 'Sqrt'
  | 'Square'
  | 'Tanh'
  | 'ZerosLike';

type Binary =
  | 'Add'
  | 'Equal'
  | 'FloorDiv'
  | 'Greater'
  | 'GreaterEqual'
  | 'Less'
  | 'LessEqual'
  | 'LogicalAnd'
  | 'LogicalOr'
  | 'Maximum'
  | 'Minimum'
  | 'Mod'
  | 'Multiply'
  | 'NotEqual'
  | 'Pow'
  | 'RealDiv'
  | 'SquaredDifference'
  | 'Sub';

/** The attributes of every operation a graph may hold, as its tfjs kernel takes them, axes counted from the front. */
export interface OpAttributes extends Record<Unary | Binary, None> {
  AddN: None;
  All: Reduction;
  Any: Reduction;
  ArgMax: Axis;
  ArgMin: Axis;
  BatchMatMul: Transposes;
  Cast: { readonly dtype: DType };
  ClipByValue: { readonly clipValueMin: number; readonly clipValueMax: number };
  Concat: Axis;
  Cumsum: Axis & { readonly exclusive: boolean; readonly reverse: boolean };
  ExpandDims: { readonly dim: number };
  Fill: { readonly shape: readonly number[]; readonly value: number; readonly dtype: DType };
  GatherNd: None;
  GatherV2: Axis & { readonly batchDims: number };
  LeakyRelu: { readonly alpha: number };
  Max: { readonly reductionIndices: readonly number[]; readonly keepDims: boolean };
  Mean: Reduction;
  Min: Reduction;
  OneHot: { readonly depth: number; readonly onValue: number; readonly offValue: number; readonly dtype: DType };
  Pack: Axis;
  PadV2: { readonly paddings: readonly (readonly [number, number])[]; readonly constantValue: number };
  Prod: Reduction;
  Range: { readonly start: number; readonly stop: number; readonly step: number; readonly dtype: DType };
  Reshape: { readonly shape: readonly number[] };
  Reverse: { readonly dims: readonly number[] };
  ScatterNd: { readonly shape: readonly number[] };
  Select: None;
  Slice: { readonly begin: readonly number[]; readonly size: readonly number[] };
  Softmax: { readonly dim: number };
  SplitV: Axis & { readonly numOrSizeSplits: readonly number[] };
  Step: { readonly alpha: number };
  Sum: Reduction;
  Tile: { readonly reps: readonly number[] };
  TopK: { readonly k: number; readonly sorted: boolean };
  Transpose: { readonly perm: readonly number[] };
  Unpack: Axis;
  UnsortedSegmentSum: { readonly numSegments: number };

  PeftAdamW: {
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
  };
  PeftAttention: { readonly scale: number; readonly causal: boolean };
  PeftAttentionGrad: { readonly scale: number };
  PeftDropout: { readonly rate: number };
  PeftFlashAttention: FlashAttention;
  PeftFlashAttentionGrad: FlashAttention;
  PeftGather: { readonly rows: number };
  PeftGatherGrad: { readonly rows: number };
  PeftGelu: None;
  PeftGeluGrad: None;
  PeftGeluTanh: None;
  PeftGeluTanhGrad: None;
  PeftLayerNorm: { readonly epsilon: number };
  PeftLayerNormGrad: None;
  PeftLinearCrossEntropy: LinearLoss;
  PeftLinearCrossEntropyWithGradient: LinearLoss;
  PeftMatMul: Transposes;
  PeftRmsNorm: { readonly epsilon: number };
  PeftRmsNormGrad: None;
  PeftRotary: { readonly backward: boolean };
  PeftSilu: None;
  PeftSiluGrad: None;
  PeftSoftmaxCrossEntropy: { readonly ignore: number };
  PeftImportance: None;
  PeftSoftmaxCrossEntropyGrad: { readonly ignore: number };
  PeftTripletDistance: None;
  PeftTripletDistanceGradient: { readonly side: 'columns' | 'rows' };
  PeftTripletScore: None;
}

export type OpName = keyof OpAttributes;
