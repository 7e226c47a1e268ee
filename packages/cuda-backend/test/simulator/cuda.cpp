// Stands in for libcuda: one device whose memory is that of the host. Misuse gives the status that the driver's
// reference names; work that fails loses the device, as it does there.
#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "cudaStatus.hpp"
#include "simulatedFailures.hpp"
#include "simulatedQueue.hpp"

using namespace simulated;

// Of the runtime.
extern "C" {
uint64_t peftAllocate(unsigned long long bytes);
int peftFree(uint64_t address);
int peftOwns(uint64_t address, unsigned long long bytes);
const char *peftError();
}

namespace {

struct KernelEntry {
  const char *name;
  void *body;
  unsigned mostThreads;
  unsigned parameterBytes;
  const KernelEntry *next;
};

struct Module {
  void *library;
  int file;
  std::map<std::string, struct Function *> functions;
};

typedef int (*Launch)(const char *name, unsigned blocks, unsigned threads, unsigned shared, const void *parameters);

struct Function {
  Module *module;
  const KernelEntry *entry;
  Launch launch;
  int allowedShared = 48 << 10;
};

struct Graph {
  Operations operations;
};

struct Stream {
  Queue queue;
  // Of a capture: the graph that it makes, and the status that spoiled it.
  Graph *capture = nullptr;
  int spoiled = 0;
  std::thread::id captor;
  explicit Stream(Mode mode) : queue(mode) {}
};

struct Event {
  Stream *stream = nullptr;
  uint64_t ticket = 0;
  bool isTimed = true, isCaptured = false;
  std::shared_ptr<double> time = std::make_shared<double>(0);
};

const int multiprocessors = 4;
const int sharedMemory = 227 << 10;

std::recursive_mutex device;
bool isStarted = false;
int retained = 0;
int architecture = 90;
Mode mode = late;
unsigned long long capacity = 4ull << 30;
std::map<uint64_t, unsigned long long> memory;
std::map<uintptr_t, size_t> pinned;
std::set<Stream *> streams;
std::set<Event *> events;
std::set<Graph *> graphs, executables;
std::set<Module *> modules;
std::set<Function *> functions;
unsigned long long used = 0;
char contextPlace;
thread_local void *currentContext = nullptr;

typedef std::lock_guard<std::recursive_mutex> Locked;

/** What every call checks first, by its own name. */
#define BEGIN                                              \
  Locked locked(device);                                   \
  if (const int status = peftPlanted(__func__)) return status; \
  if (!isStarted) return notInitialized;

#define BEGIN_IN_CONTEXT                                            \
  BEGIN                                                             \
  if (!currentContext || retained == 0) return invalidContext;      \
  if (const int status = lost()) return status;

Stream *streamOf(void *handle) {
  Stream *stream = (Stream *)handle;
  return streams.count(stream) ? stream : nullptr;
}

/** Whether this thread captures: then it may neither wait nor allocate. */
Stream *capturing() {
  for (Stream *stream : streams)
    if (stream->capture && stream->captor == std::this_thread::get_id()) return stream;
  return nullptr;
}

#define REFUSED_IN_CAPTURE                         \
  if (Stream *captor = capturing()) {              \
    captor->spoiled = captureInvalidated;          \
    return captureUnsupported;                     \
  }

void drainAll() {
  for (Stream *stream : streams)
    if (!stream->capture) stream->queue.drain();
}

int put(Stream *stream, const Operation &operation) {
  if (stream->capture) {
    if (stream->captor != std::this_thread::get_id()) return captureWrongThread;
    if (stream->spoiled) return stream->spoiled;
    stream->capture->operations.push_back(operation);
    return success;
  }
  stream->queue.put(operation);
  return lost();
}

bool isPinned(const void *address, size_t bytes) {
  auto next = pinned.upper_bound((uintptr_t)address);
  if (next == pinned.begin()) return false;
  --next;
  return (uintptr_t)address - next->first + bytes <= next->second;
}

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void unload(Module *module) {
  for (auto &[name, function] : module->functions) {
    functions.erase(function);
    delete function;
  }
  dlclose(module->library);
  close(module->file);
  modules.erase(module);
  delete module;
}

void freeEverything() {
  drainAll();
  for (auto &[address, bytes] : memory)
    if (peftFree(address)) fprintf(stderr, "simulated device: %s\n", peftError());
  for (auto &[address, bytes] : pinned) munmap((void *)address, bytes);
  for (Event *event : events) delete event;
  for (Stream *stream : streams) delete stream;
  for (Graph *graph : graphs) delete graph;
  for (Graph *graph : executables) delete graph;
  while (!modules.empty()) unload(*modules.begin());
  memory.clear();
  pinned.clear();
  events.clear();
  streams.clear();
  graphs.clear();
  executables.clear();
  used = 0;
}

/** Size of a library's file by its own header: its table of sections is last. */
size_t sizeOfImage(const void *image) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return 0;
  return header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
}

}  // namespace

extern "C" {

// Control of the simulation, called by tests.

/** Memory, mode and architecture of the device; only while it is not open. 1 where it is. */
int peftConfigureDevice(unsigned long long bytes, int chosenMode, int chosenArchitecture) {
  Locked locked(device);
  if (retained > 0) return 1;
  capacity = bytes;
  mode = (Mode)chosenMode;
  architecture = chosenArchitecture;
  lostStatus = 0;
  return 0;
}

/** Numbers of live allocations, pinned ones, streams, events, graphs and modules, in that order. */
void peftLiveObjects(unsigned *counts) {
  Locked locked(device);
  const size_t all[] = {memory.size(), pinned.size(), streams.size(),
                        events.size(), graphs.size() + executables.size(), modules.size()};
  for (int i = 0; i < 6; i++) counts[i] = (unsigned)all[i];
}

// For libcublasLt, which puts its work into streams as kernels are.

int peftPutWork(void *handle, int (*work)(const void *), const void *data, unsigned bytes) {
  Locked locked(device);
  if (!currentContext) return invalidContext;
  if (const int status = lost()) return status;
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  const std::string kept((const char *)data, bytes);
  return put(stream, [work, kept] { return work(kept.data()); });
}

int peftHasContext() {
  Locked locked(device);
  return currentContext != nullptr && retained > 0;
}

// The driver.

int cuGetErrorName(int status, const char **name) {
  *name = statusName(status);
  return *name ? success : invalidValue;
}

int cuGetErrorString(int status, const char **text) {
  *text = statusText(status);
  return *text ? success : invalidValue;
}

int cuInit(unsigned flags) {
  Locked locked(device);
  if (const int status = peftPlanted(__func__)) return status;
  if (flags != 0) return invalidValue;
  isStarted = true;
  return success;
}

int cuDriverGetVersion(int *version) {
  if (const int status = peftPlanted(__func__)) return status;
  *version = 13000;
  return success;
}

int cuDeviceGetCount(int *count) {
  BEGIN
  *count = 1;
  return success;
}

int cuDeviceGet(int *number, int ordinal) {
  BEGIN
  if (ordinal != 0) return invalidDevice;
  *number = 0;
  return success;
}

int cuDeviceGetName(char *name, int length, int number) {
  BEGIN
  if (number != 0) return invalidDevice;
  snprintf(name, (size_t)length, "simulated device");
  return success;
}

int cuDeviceGetAttribute(int *value, int attribute, int number) {
  BEGIN
  if (number != 0) return invalidDevice;
  static const std::map<int, int> known = {{1, 1024}, {10, 32}, {16, multiprocessors}, {97, sharedMemory}};
  const auto found = known.find(attribute);
  if (attribute == 75) *value = architecture / 10;
  else if (attribute == 76) *value = architecture % 10;
  else if (found != known.end()) *value = found->second;
  else return invalidValue;
  return success;
}

int cuDeviceTotalMem_v2(size_t *bytes, int number) {
  BEGIN
  if (number != 0) return invalidDevice;
  *bytes = (size_t)capacity;
  return success;
}

int cuDevicePrimaryCtxRetain(void **context, int number) {
  BEGIN
  if (number != 0) return invalidDevice;
  retained++;
  *context = &contextPlace;
  return success;
}

int cuDevicePrimaryCtxRelease_v2(int number) {
  BEGIN
  if (number != 0) return invalidDevice;
  if (retained == 0) return invalidContext;
  if (--retained == 0) {
    freeEverything();
    lostStatus = 0;
  }
  return success;
}

int cuCtxSetCurrent(void *context) {
  BEGIN
  if (context != nullptr && (context != &contextPlace || retained == 0)) return invalidContext;
  currentContext = context;
  return success;
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  BEGIN_IN_CONTEXT
  *total = (size_t)capacity;
  *free = (size_t)(capacity - used);
  return success;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  if (bytes == 0) return invalidValue;
  if (bytes > capacity - used) return outOfMemory;
  *address = peftAllocate(bytes);
  if (*address == 0) return outOfMemory;
  memory[*address] = bytes;
  used += bytes;
  return success;
}

int cuMemFree_v2(uint64_t address) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  const auto found = memory.find(address);
  if (found == memory.end()) return invalidValue;
  drainAll();
  used -= found->second;
  memory.erase(found);
  if (peftFree(address)) {
    fprintf(stderr, "simulated device: %s\n", peftError());
    lose(illegalAddress);
  }
  return lost();
}

int cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  if (bytes == 0 || flags > 7) return invalidValue;
  void *found = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) return outOfMemory;
  memset(found, 0xff, bytes);
  pinned[(uintptr_t)found] = bytes;
  *address = found;
  return success;
}

int cuMemFreeHost(void *address) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  const auto found = pinned.find((uintptr_t)address);
  if (found == pinned.end()) return invalidValue;
  drainAll();
  munmap(address, found->second);
  pinned.erase(found);
  return lost();
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (!peftOwns(to, bytes)) return invalidValue;
  // What is not pinned is copied before the call returns.
  if (!isPinned(from, bytes)) {
    const std::string staged((const char *)from, bytes);
    return put(stream, [to, staged] { return memcpy((void *)to, staged.data(), staged.size()), success; });
  }
  return put(stream, [to, from, bytes] { return memcpy((void *)to, from, bytes), success; });
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (!peftOwns(from, bytes)) return invalidValue;
  const bool waits = !isPinned(to, bytes);
  if (waits && stream->capture) return captureUnsupported;
  const int status = put(stream, [to, from, bytes] { return memcpy(to, (const void *)from, bytes), success; });
  if (waits) stream->queue.drain();
  return status ? status : lost();
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (!peftOwns(to, bytes) || !peftOwns(from, bytes)) return invalidValue;
  return put(stream, [to, from, bytes] { return memmove((void *)to, (const void *)from, bytes), success; });
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (!peftOwns(to, bytes)) return invalidValue;
  return put(stream, [to, value, bytes] { return memset((void *)to, value, bytes), success; });
}

int cuModuleLoadData(void **handle, const void *image) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  const size_t bytes = sizeOfImage(image);
  if (bytes == 0) return invalidImage;
  const int file = memfd_create("simulated-module", 0);
  if (file < 0 || write(file, image, bytes) != (ssize_t)bytes) return outOfMemory;
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const int *made = library ? (const int *)dlsym(library, "peftArchitecture") : nullptr;
  if (!made) {
    if (library) dlclose(library);
    close(file);
    return invalidImage;
  }
  // Code of an architecture runs on later ones of its generation.
  if (*made / 10 != architecture / 10 || *made > architecture) {
    dlclose(library);
    close(file);
    return noBinaryForGpu;
  }
  Module *module = new Module{library, file, {}};
  modules.insert(module);
  *handle = module;
  return success;
}

int cuModuleGetFunction(void **handle, void *moduleHandle, const char *name) {
  BEGIN_IN_CONTEXT
  Module *module = (Module *)moduleHandle;
  if (!modules.count(module)) return invalidHandle;
  Function *&function = module->functions[name];
  if (!function) {
    typedef const KernelEntry *(*Find)(const char *);
    const KernelEntry *entry = ((Find)dlsym(module->library, "peftKernelNamed"))(name);
    if (!entry) {
      module->functions.erase(name);
      return notFound;
    }
    function = new Function{module, entry, (Launch)dlsym(module->library, "peftLaunch")};
    functions.insert(function);
  }
  *handle = function;
  return success;
}

int cuModuleUnload(void *handle) {
  BEGIN_IN_CONTEXT
  REFUSED_IN_CAPTURE
  Module *module = (Module *)handle;
  if (!modules.count(module)) return invalidHandle;
  drainAll();
  unload(module);
  return lost();
}

int cuFuncGetAttribute(int *value, int attribute, void *handle) {
  BEGIN_IN_CONTEXT
  Function *function = (Function *)handle;
  if (!functions.count(function)) return invalidHandle;
  if (attribute == 0) *value = (int)function->entry->mostThreads;
  else if (attribute == 8) *value = function->allowedShared;
  else return invalidValue;
  return success;
}

int cuFuncSetAttribute(void *handle, int attribute, int value) {
  BEGIN_IN_CONTEXT
  Function *function = (Function *)handle;
  if (!functions.count(function)) return invalidHandle;
  if (attribute != 8 || value < 0 || value > sharedMemory) return invalidValue;
  function->allowedShared = value;
  return success;
}

int cuLaunchKernel(void *handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned shared, void *streamHandle, void **parameters, void **extra) {
  BEGIN_IN_CONTEXT
  Function *function = (Function *)handle;
  Stream *stream = streamOf(streamHandle);
  if (!functions.count(function) || !stream) return invalidHandle;
  // The simulator runs grids and blocks of one dimension, as all kernels of the package are.
  if (gridX == 0 || gridX > 0x7fffffffu || gridY != 1 || gridZ != 1) return invalidValue;
  if (blockX == 0 || blockX > 1024 || blockY != 1 || blockZ != 1) return invalidValue;
  if (!parameters || extra) return invalidValue;
  if (blockX > function->entry->mostThreads) return launchOutOfResources;
  if (shared > (unsigned)function->allowedShared) return invalidValue;
  const std::string kept((const char *)parameters[0], function->entry->parameterBytes);
  const Launch launch = function->launch;
  const char *name = function->entry->name;
  return put(stream, [=] {
    if (launch(name, gridX, blockX, shared, kept.data()) == 0) return (int)success;
    const std::string why = peftError();
    fprintf(stderr, "simulated device: %s\n", why.c_str());
    const auto says = [&why](const char *what) { return why.find(what) != std::string::npos; };
    return (int)(says(": touches ") ? illegalAddress : says(": leaves the bounds") ? misalignedAddress : launchFailed);
  });
}

int cuStreamCreate(void **handle, unsigned flags) {
  BEGIN_IN_CONTEXT
  if (flags > 1) return invalidValue;
  Stream *stream = new Stream(mode);
  streams.insert(stream);
  *handle = stream;
  return success;
}

int cuStreamDestroy_v2(void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  stream->queue.drain();
  for (Event *event : events)
    if (event->stream == stream) event->stream = nullptr;
  streams.erase(stream);
  delete stream;
  return lost();
}

int cuStreamSynchronize(void *handle) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  REFUSED_IN_CAPTURE
  stream->queue.drain();
  return lost();
}

int cuStreamBeginCapture_v2(void *handle, int captureMode) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (captureMode < 0 || captureMode > 2) return invalidValue;
  if (stream->capture) return illegalState;
  stream->capture = new Graph();
  stream->spoiled = 0;
  stream->captor = std::this_thread::get_id();
  return success;
}

int cuStreamEndCapture(void *handle, void **graph) {
  BEGIN_IN_CONTEXT
  Stream *stream = streamOf(handle);
  if (!stream) return invalidHandle;
  if (!stream->capture) return illegalState;
  if (stream->captor != std::this_thread::get_id()) return captureWrongThread;
  Graph *made = stream->capture;
  stream->capture = nullptr;
  *graph = nullptr;
  if (stream->spoiled) {
    delete made;
    return stream->spoiled;
  }
  graphs.insert(made);
  *graph = made;
  return success;
}

int cuGraphGetNodes(void *handle, void **nodes, size_t *count) {
  BEGIN_IN_CONTEXT
  Graph *graph = (Graph *)handle;
  if (!graphs.count(graph) || nodes) return invalidValue;
  *count = graph->operations.size();
  return success;
}

int cuGraphInstantiateWithFlags(void **executable, void *handle, unsigned long long flags) {
  BEGIN_IN_CONTEXT
  Graph *graph = (Graph *)handle;
  if (!graphs.count(graph) || flags != 0) return invalidValue;
  Graph *made = new Graph(*graph);
  executables.insert(made);
  *executable = made;
  return success;
}

int cuGraphDestroy(void *handle) {
  BEGIN_IN_CONTEXT
  Graph *graph = (Graph *)handle;
  if (!graphs.erase(graph)) return invalidValue;
  delete graph;
  return success;
}

int cuGraphUpload(void *handle, void *streamHandle) {
  BEGIN_IN_CONTEXT
  if (!executables.count((Graph *)handle)) return invalidValue;
  return streamOf(streamHandle) ? success : invalidHandle;
}

int cuGraphLaunch(void *handle, void *streamHandle) {
  BEGIN_IN_CONTEXT
  Graph *graph = (Graph *)handle;
  Stream *stream = streamOf(streamHandle);
  if (!executables.count(graph)) return invalidValue;
  if (!stream) return invalidHandle;
  for (const Operation &operation : graph->operations)
    if (const int status = put(stream, operation)) return status;
  return success;
}

int cuGraphExecDestroy(void *handle) {
  BEGIN_IN_CONTEXT
  Graph *graph = (Graph *)handle;
  if (!executables.erase(graph)) return invalidValue;
  delete graph;
  return success;
}

int cuEventCreate(void **handle, unsigned flags) {
  BEGIN_IN_CONTEXT
  if (flags > 7) return invalidValue;
  Event *event = new Event();
  event->isTimed = (flags & 2) == 0;
  events.insert(event);
  *handle = event;
  return success;
}

int cuEventDestroy_v2(void *handle) {
  BEGIN_IN_CONTEXT
  Event *event = (Event *)handle;
  if (!events.erase(event)) return invalidHandle;
  delete event;
  return success;
}

int cuEventRecord(void *handle, void *streamHandle) {
  BEGIN_IN_CONTEXT
  Event *event = (Event *)handle;
  Stream *stream = streamOf(streamHandle);
  if (!events.count(event) || !stream) return invalidHandle;
  event->isCaptured = stream->capture != nullptr;
  if (event->isCaptured) return success;
  event->stream = stream;
  const std::shared_ptr<double> time = event->time = std::make_shared<double>(0);
  event->ticket = stream->queue.put([time] { return *time = now(), success; });
  return lost();
}

int cuEventQuery(void *handle) {
  BEGIN_IN_CONTEXT
  Event *event = (Event *)handle;
  if (!events.count(event)) return invalidHandle;
  if (event->isCaptured) return capturedEvent;
  if (!event->stream || event->stream->queue.isDone(event->ticket)) return success;
  // The answer is of the moment of the question, so that somebody who asks once has to ask again.
  event->stream->queue.advance(100);
  return lost() ? lost() : notReady;
}

int cuEventElapsedTime(float *milliseconds, void *startHandle, void *endHandle) {
  BEGIN_IN_CONTEXT
  Event *start = (Event *)startHandle, *end = (Event *)endHandle;
  if (!events.count(start) || !events.count(end)) return invalidHandle;
  if (!start->isTimed || !end->isTimed || start->ticket == 0 || end->ticket == 0) return invalidHandle;
  for (Event *event : {start, end})
    if (event->stream && !event->stream->queue.isDone(event->ticket)) return notReady;
  *milliseconds = (float)(*end->time - *start->time);
  return success;
}
}
