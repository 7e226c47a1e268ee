// Stands in for libcublasLt: descriptors and attributes as the library reads them, products by loops put into the
// streams of the simulated device. Row-major operands reach it as transposed column-major ones.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <mutex>
#include <set>

#include "hostProducts.hpp"
#include "simulatedFailures.hpp"

// Of the runtime and of the simulated libcuda.
extern "C" {
int peftOwns(uint64_t address, unsigned long long bytes);
int peftPutWork(void *stream, int (*work)(const void *), const void *data, unsigned bytes);
int peftHasContext();
}

namespace {

enum Status : int {
  success = 0,
  notInitialized = 1,
  invalidValue = 7,
  executionFailed = 13,
  notSupported = 15
};
const int f32 = 0, bf16 = 14;
const int exactSums = 68, roundedToTf32 = 77;
const int defaultEpilogue = 1, addBias = 4;

struct Handle {};

struct Description {
  int compute, scale;
  int transA = 0, transB = 0, epilogue = defaultEpilogue;
  uint64_t bias = 0;
  int biasType = -1;
};

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t order = 0, batch = 1;
  int64_t batchStride = 0;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reductions = ~0u;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

struct Algorithm {
  uint64_t mark;
  uint64_t number;
  uint64_t workspace;
  uint32_t alignment[4];
  uint64_t rest[3];
};
static_assert(sizeof(Algorithm) == 64, "as cublasLtMatmulAlgo_t");

struct Result {
  Algorithm algorithm;
  uint64_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Result) == 96, "as cublasLtMatmulHeuristicResult_t");

const uint64_t mark = 0x70656674616c676full;

std::mutex lock;
std::set<void *> live;
int proposals = 1;

typedef std::lock_guard<std::mutex> Locked;

#define BEGIN                                                  \
  if (const int status = peftPlanted(__func__)) return status; \
  Locked locked(lock);

template <class T> bool isLive(T *object) { return live.count((void *)object) > 0; }

template <class T> int make(void **into, T *object) {
  live.insert(object);
  *into = object;
  return success;
}

template <class T> int destroy(void *object) {
  if (!live.erase(object)) return invalidValue;
  delete (T *)object;
  return success;
}

/** Copies an attribute whose size must be its own. */
template <class T> int take(T &into, const void *value, size_t bytes) {
  if (!value || bytes != sizeof(T)) return invalidValue;
  memcpy(&into, value, bytes);
  return success;
}

int storageOf(int type) { return type == bf16 ? 1 : 0; }

unsigned bytesOf(int type) { return type == bf16 ? 2 : 4; }

/** Whether the library multiplies operands of these types and sizes. */
int check(const Description &d, const Layout &a, const Layout &b, const Layout &c, const Layout &made) {
  for (const Layout *each : {&a, &b, &c, &made}) {
    if (each->type != f32 && each->type != bf16) return notSupported;
    if (each->order != 0) return notSupported;
    if (each->rows == 0 || each->columns == 0 || each->leading < (int64_t)each->rows) return invalidValue;
    if (each->batch != made.batch) return invalidValue;
  }
  if (d.scale != f32 || (d.compute != exactSums && d.compute != roundedToTf32)) return notSupported;
  if (d.compute == roundedToTf32 && a.type != f32) return notSupported;
  if (a.type != b.type || c.type != made.type || (a.type == f32 && made.type != f32)) return notSupported;
  if (d.epilogue != defaultEpilogue && d.epilogue != addBias) return notSupported;
  const uint64_t rows = d.transA ? a.columns : a.rows, inner = d.transA ? a.rows : a.columns;
  const uint64_t innerOfB = d.transB ? b.columns : b.rows, columns = d.transB ? b.rows : b.columns;
  if (inner != innerOfB || rows != made.rows || columns != made.columns) return invalidValue;
  if (c.rows != made.rows || c.columns != made.columns) return invalidValue;
  // Matrices of the result that overlap would be written in no order.
  if (made.batch > 1 && made.batchStride < made.leading * (int64_t)made.columns) return invalidValue;
  return success;
}

PeftMatrix matrixOf(const Layout &layout, int transposed) {
  return {layout.leading, layout.batch > 1 ? layout.batchStride : 0, storageOf(layout.type), transposed};
}

/** Bytes from the first number to the end of the last. */
unsigned long long spanOf(const Layout &layout) {
  const int64_t last = (layout.batch - 1) * layout.batchStride + (int64_t)(layout.columns - 1) * layout.leading +
                       (int64_t)layout.rows;
  return (unsigned long long)last * bytesOf(layout.type);
}

struct Addresses {
  uint64_t a, b, c, addend, bias;
};

struct Work {
  PeftProduct product;
  Addresses addresses;
  unsigned long long spans[4];
};

int run(const void *data) {
  const Work &work = *(const Work *)data;
  const auto [a, b, c, addend, bias] = work.addresses;
  const uint64_t all[] = {a, b, c, addend};
  for (int i = 0; i < 4; i++)
    if (!peftOwns(all[i], work.spans[i])) {
      fprintf(stderr, "simulated device: a product reads or writes %llu bytes at 0x%llx, which no allocation has.\n",
              work.spans[i], (unsigned long long)all[i]);
      return 700;
    }
  peftProduct(&work.product, a, b, c, addend, bias);
  return 0;
}

}  // namespace

extern "C" {

/** How many algorithms the library proposes at most, called by tests: one unless set, so that none is tried. */
void peftSetProposals(int count) {
  Locked locked(lock);
  proposals = count;
}

/** Number of live handles, descriptions, layouts and preferences, called by tests. */
unsigned peftLiveDescriptors() {
  Locked locked(lock);
  return (unsigned)live.size();
}

const char *cublasLtGetStatusName(int status) {
  switch (status) {
    case success: return "CUBLAS_STATUS_SUCCESS";
    case notInitialized: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case 3: return "CUBLAS_STATUS_ALLOC_FAILED";
    case invalidValue: return "CUBLAS_STATUS_INVALID_VALUE";
    case executionFailed: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case 14: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case notSupported: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

const char *cublasLtGetStatusString(int status) {
  switch (status) {
    case success: return "success";
    case notInitialized: return "the library was not initialized";
    case 3: return "the resource allocation failed";
    case invalidValue: return "an unsupported value or parameter was passed to the function";
    case executionFailed: return "the function failed to launch on the GPU";
    case notSupported: return "the requested function is not supported";
    default: return "unknown status";
  }
}

size_t cublasLtGetVersion() { return 130100; }

int cublasLtCreate(void **handle) {
  BEGIN
  if (!peftHasContext()) return notInitialized;
  return make(handle, new Handle());
}

int cublasLtDestroy(void *handle) {
  BEGIN
  return destroy<Handle>(handle);
}

int cublasLtMatmulDescCreate(void **description, int compute, int scale) {
  BEGIN
  return make(description, new Description{compute, scale});
}

int cublasLtMatmulDescSetAttribute(void *handle, int attribute, const void *value, size_t bytes) {
  BEGIN
  Description *description = (Description *)handle;
  if (!isLive(description)) return invalidValue;
  switch (attribute) {
    case 3: return take(description->transA, value, bytes);
    case 4: return take(description->transB, value, bytes);
    case 7: return take(description->epilogue, value, bytes);
    case 8: return take(description->bias, value, bytes);
    case 26: return take(description->biasType, value, bytes);
    default: return notSupported;
  }
}

int cublasLtMatmulDescDestroy(void *handle) {
  BEGIN
  return destroy<Description>(handle);
}

int cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  BEGIN
  return make(layout, new Layout{type, rows, columns, leading});
}

int cublasLtMatrixLayoutSetAttribute(void *handle, int attribute, const void *value, size_t bytes) {
  BEGIN
  Layout *layout = (Layout *)handle;
  if (!isLive(layout)) return invalidValue;
  switch (attribute) {
    case 1: return take(layout->order, value, bytes);
    case 5: return take(layout->batch, value, bytes);
    case 6: return take(layout->batchStride, value, bytes);
    default: return notSupported;
  }
}

int cublasLtMatrixLayoutDestroy(void *handle) {
  BEGIN
  return destroy<Layout>(handle);
}

int cublasLtMatmulPreferenceCreate(void **preference) {
  BEGIN
  return make(preference, new Preference());
}

int cublasLtMatmulPreferenceSetAttribute(void *handle, int attribute, const void *value, size_t bytes) {
  BEGIN
  Preference *preference = (Preference *)handle;
  if (!isLive(preference)) return invalidValue;
  if (attribute == 1) return take(preference->workspace, value, bytes);
  if (attribute == 3) return take(preference->reductions, value, bytes);
  if (attribute >= 5 && attribute <= 8) return take(preference->alignment[attribute - 5], value, bytes);
  return notSupported;
}

int cublasLtMatmulPreferenceDestroy(void *handle) {
  BEGIN
  return destroy<Preference>(handle);
}

int cublasLtMatmulAlgoGetHeuristic(void *handle, void *description, void *a, void *b, void *c, void *made,
                                   void *preferenceHandle, int wanted, Result *results, int *count) {
  BEGIN
  *count = 0;
  for (void *each : {handle, description, a, b, c, made, preferenceHandle})
    if (!isLive(each)) return invalidValue;
  if (wanted < 1) return invalidValue;
  const Preference &preference = *(Preference *)preferenceHandle;
  const int status = check(*(Description *)description, *(Layout *)a, *(Layout *)b, *(Layout *)c, *(Layout *)made);
  if (status != success) return status;
  for (int number = 0; number < wanted && number < proposals; number++) {
    const uint64_t workspace = (uint64_t)number << 20;
    if (workspace > preference.workspace) break;
    Result &result = results[(*count)++];
    memset(&result, 0, sizeof result);
    result.algorithm.mark = mark;
    result.algorithm.number = (uint64_t)number;
    result.algorithm.workspace = workspace;
    memcpy(result.algorithm.alignment, preference.alignment, sizeof preference.alignment);
    result.workspace = workspace;
    result.waves = 1.0f;
  }
  return *count > 0 ? success : notSupported;
}

int cublasLtMatmulAlgoCheck(void *handle, void *description, void *a, void *b, void *c, void *made,
                            const Algorithm *algorithm, Result *result) {
  BEGIN
  for (void *each : {handle, description, a, b, c, made})
    if (!isLive(each)) return invalidValue;
  if (algorithm->mark != mark) return invalidValue;
  const int status = check(*(Description *)description, *(Layout *)a, *(Layout *)b, *(Layout *)c, *(Layout *)made);
  if (status != success) return status;
  memset(result, 0, sizeof *result);
  result->algorithm = *algorithm;
  result->workspace = algorithm->workspace;
  return success;
}

int cublasLtMatmul(void *handle, void *descriptionHandle, const float *alpha, uint64_t a, void *aHandle, uint64_t b,
                   void *bHandle, const float *beta, uint64_t c, void *cHandle, uint64_t made, void *madeHandle,
                   const Algorithm *algorithm, uint64_t workspace, size_t workspaceBytes, void *stream) {
  BEGIN
  for (void *each : {handle, descriptionHandle, aHandle, bHandle, cHandle, madeHandle})
    if (!isLive(each)) return invalidValue;
  const Description &d = *(Description *)descriptionHandle;
  const Layout &layoutA = *(Layout *)aHandle, &layoutB = *(Layout *)bHandle;
  const Layout &layoutC = *(Layout *)cHandle, &layoutMade = *(Layout *)madeHandle;
  const int status = check(d, layoutA, layoutB, layoutC, layoutMade);
  if (status != success) return status;
  if (!alpha || !beta || !algorithm || algorithm->mark != mark) return invalidValue;
  if (algorithm->workspace > workspaceBytes) return invalidValue;
  if (algorithm->workspace > 0 && !peftOwns(workspace, algorithm->workspace)) return invalidValue;
  const uint64_t addresses[] = {a, b, c, made};
  for (int i = 0; i < 4; i++)
    if (addresses[i] == 0 || addresses[i] % algorithm->alignment[i] != 0) return invalidValue;
  if (d.epilogue == addBias && d.bias == 0) return invalidValue;
  // In place only where c and the result are laid out alike.
  if (c == made && (layoutC.leading != layoutMade.leading || layoutC.batchStride != layoutMade.batchStride))
    return invalidValue;

  Work work = {};
  work.product.rows = (int64_t)layoutMade.columns;
  work.product.columns = (int64_t)layoutMade.rows;
  work.product.inner = (int64_t)(d.transA ? layoutA.rows : layoutA.columns);
  work.product.batch = layoutMade.batch;
  work.product.a = matrixOf(layoutB, d.transB);
  work.product.b = matrixOf(layoutA, d.transA);
  work.product.c = matrixOf(layoutMade, 0);
  work.product.alpha = *alpha;
  work.product.beta = *beta;
  work.product.biasStorage = storageOf(d.biasType < 0 ? layoutMade.type : d.biasType);
  work.product.tf32 = d.compute == roundedToTf32;
  work.addresses = {b, a, made, c, d.epilogue == addBias ? d.bias : 0};
  const unsigned long long spans[] = {spanOf(layoutB), spanOf(layoutA), spanOf(layoutMade), spanOf(layoutC)};
  memcpy(work.spans, spans, sizeof spans);
  return peftPutWork(stream, run, &work, sizeof work) == 0 ? success : executionFailed;
}
}
