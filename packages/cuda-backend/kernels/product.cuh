// c = alpha a b (+ addend) (+ bias) of a batch, as src/device/products.ts says it. Where the inner axis is split, the parts
// of a sum go to `parts` first and are added up in order.
struct ProductParameters {
  const void *a;
  const void *b;
  void *c;
  const void *addend;  // as c; may be null
  const void *bias;    // may be null
  float *parts;        // [splits, batch, rows, columns]; null where there is one
  i64 aStride;         // from row to row as stored
  i64 aBatch;
  i64 bStride;
  i64 bBatch;
  i64 cRow;
  i64 cColumn;
  i64 cBatch;
  i32 rows;
  i32 columns;
  i32 inner;
  i32 batch;
  i32 share;  // of the inner axis for each part, a multiple of 64
  i32 transposeA;
  i32 transposeB;
  i32 biasOfRows;  // the bias has a number for each row
  i32 cStorage;
  i32 biasStorage;
  float alpha;
  i32 unused;
};

// What a block works for.
struct ProductPlace {
  i32 row;
  i32 column;
  i32 begin;
  i32 end;
  i64 batch;
  i32 part;

  template <i32 rows, i32 columns> static __device__ __forceinline__ ProductPlace of(const ProductParameters &p, u32 block) {
    const u32 down = (p.rows + rows - 1) / rows, across = (p.columns + columns - 1) / columns;
    const u32 tile = block % (down * across), rest = block / (down * across);
    // Eight rows of tiles at a time: neighbours in time share what they read.
    const u32 band = tile / (8 * across), bandRows = min(8u, down - 8 * band), within = tile % (8 * across);
    ProductPlace place;
    place.row = (i32)(8 * band + within % bandRows) * rows;
    place.column = (i32)(within / bandRows) * columns;
    place.batch = rest % (u32)p.batch;
    place.part = (i32)(rest / (u32)p.batch);
    place.begin = place.part * p.share;
    place.end = min(place.begin + p.share, p.inner);
    return place;
  }
};

__device__ __forceinline__ void finishProduct(const ProductParameters &p, i64 batch, i32 row, i32 column, float sum) {
  const i64 place = batch * p.cBatch + row * p.cRow + column * p.cColumn;
  float value = p.alpha * sum;
  if (p.addend) value += loadFloat(p.addend, place, p.cStorage);
  if (p.bias) value += loadFloat(p.bias, p.biasOfRows ? row : column, p.biasStorage);
  storeFloat(p.c, place, p.cStorage, value);
}

__device__ __forceinline__ void writeSum(const ProductParameters &p, const ProductPlace &at, i32 row, i32 column, float sum) {
  if (row >= p.rows || column >= p.columns) return;
  if (!p.parts) finishProduct(p, at.batch, row, column, sum);
  else p.parts[(((i64)at.part * p.batch + at.batch) * p.rows + row) * p.columns + column] = sum;
}
