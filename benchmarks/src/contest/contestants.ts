/** Our engines. */
export const engineNames = ['onnx', 'wasm', 'tensorflow'] as const;
export type EngineName = (typeof engineNames)[number];

/** Python's modes, by the name they have on the command line. */
export const torchModes = {
  'torch-fp32': 'fp32',
  'torch-bf16': 'bf16',
  'torch-compile': 'compile',
  'torch-compile-bf16': 'compile-bf16',
} as const;
export type TorchName = keyof typeof torchModes;

/** Who may be measured against: Python, or another engine of ours. */
export type RivalName = TorchName | EngineName;
export const rivalNames: readonly RivalName[] = [...(Object.keys(torchModes) as TorchName[]), ...engineNames];

export function isTorch(name: RivalName): name is TorchName {
  return Object.hasOwn(torchModes, name);
}
