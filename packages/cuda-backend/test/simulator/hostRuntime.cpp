// Runs the blocks of a kernel one after another, the threads of a block as fibers that change at barriers, in an order
// that can be chosen: a kernel that lacks a barrier gives other numbers in another order. One library for the process.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "hostFiber.hpp"
#include "hostMemory.hpp"
#include "hostWatch.hpp"

struct Index {
  unsigned x, y, z;
};

extern "C" {
Index threadIdx = {0, 0, 0};
Index blockDim = {1, 1, 1};
unsigned char *peftDynamicShared = nullptr;
}

namespace {

typedef void (*Body)(const void *parameters, unsigned block, unsigned blocks);
struct Kernel {
  const char *name;
  Body body;
  unsigned mostThreads;
  unsigned parameterBytes;
  const Kernel *next;
};

enum WarpOperation : unsigned {
  warpSync,
  shuffle,
  shuffleUp,
  shuffleDown,
  shuffleXor,
  ballot,
  match,
  sum,
  least,
  most,
  bitAnd,
  bitOr,
  records
};
const char *const warpNames[] = {"__syncwarp",         "__shfl_sync",       "__shfl_up_sync",    "__shfl_down_sync",
                                 "__shfl_xor_sync",    "__ballot_sync",     "__match_any_sync",  "__reduce_add_sync",
                                 "__reduce_min_sync",  "__reduce_max_sync", "__reduce_and_sync", "__reduce_or_sync",
                                 "peftWarpExchange"};

const unsigned mostThreads = 1024;
const unsigned warpWidth = 32;
const unsigned mostRecord = 256;
const size_t stackBytes = 128 << 10;
const unsigned mostShared = 227 << 10;

enum State : unsigned char { fresh, ready, atBlock, atWarp, finished };

struct Thread {
  Fiber fiber;
  void *stack;
  State state;
  // What it waits for at its warp, and what it gets.
  unsigned operation, mask, argument;
  unsigned long long value, result;
  // What it gave to the barrier of the block.
  unsigned blockOperation, predicate, count;
};

struct Records {
  unsigned turn;
  alignas(16) unsigned char bytes[2][warpWidth * mostRecord];
};

struct Machine {
  Thread threads[mostThreads];
  Records records[mostThreads / warpWidth];
  unsigned order[mostThreads];
  char *stacks = nullptr;
  void *freeStacks[mostThreads];
  unsigned freeCount = 0;
  Fiber scheduler;
  unsigned count = 0;
  unsigned current = 0;
  unsigned block = 0, blocks = 0;
  const void *parameters = nullptr;
  const Kernel *kernel = nullptr;
  unsigned char *shared = nullptr;
  std::string error;
  bool running = false;
  pthread_t owner;
};

enum Order : int { forward, reverse, shuffled };
Order order = forward;
uint64_t seed = 1;
uint64_t randomState = 1;
Machine *machine = nullptr;
pthread_mutex_t oneLaunch = PTHREAD_MUTEX_INITIALIZER;
thread_local std::string lastError;

unsigned randomBelow(unsigned bound) {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 7;
  randomState ^= randomState << 17;
  return (unsigned)((randomState >> 11) % bound);
}

void arrange(unsigned *places, unsigned count) {
  for (unsigned i = 0; i < count; i++) places[i] = order == reverse ? count - 1 - i : i;
  if (order != shuffled) return;
  for (unsigned i = count; i > 1; i--) {
    const unsigned other = randomBelow(i);
    const unsigned kept = places[i - 1];
    places[i - 1] = places[other];
    places[other] = kept;
  }
}

std::string text(const char *format, ...) {
  char buffer[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

// File and line of an address of a library, where addr2line is there.
std::string placeOf(void *address) {
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname) return "";
  const std::string command = text("addr2line -e '%s' 0x%lx 2>/dev/null", info.dli_fname,
                                   (unsigned long)((char *)address - (char *)info.dli_fbase));
  FILE *pipe = popen(command.c_str(), "r");
  if (!pipe) return "";
  char line[400] = "";
  if (!fgets(line, sizeof line, pipe)) line[0] = 0;
  pclose(pipe);
  line[strcspn(line, " \n")] = 0;
  return line[0] == 0 || line[0] == '?' ? "" : std::string(" at ") + line;
}

std::string whereNow() {
  return text("%s, block %u of %u, thread %u of %u", machine->kernel->name, machine->block, machine->blocks,
              machine->current, machine->count);
}

// Leaves the fiber for good; the scheduler gives up the launch.
[[noreturn]] void fail(const std::string &what) {
  machine->error = what;
  Fiber abandoned;
  switchFiber(&abandoned, &machine->scheduler);
  abort();
}

void runThread(void *) {
  Machine &m = *machine;
  const unsigned self = m.current;
  m.kernel->body(m.parameters, m.block, m.blocks);
  m.threads[self].state = finished;
  Fiber abandoned;
  switchFiber(&abandoned, &m.scheduler);
  abort();
}

void freeAllStacks() {
  const size_t page = memory::pageBytes();
  machine->freeCount = 0;
  for (unsigned i = mostThreads; i > 0; i--)
    machine->freeStacks[machine->freeCount++] = machine->stacks + (i - 1) * (stackBytes + page) + page;
}

void makeMachine() {
  machine = new Machine();
  const size_t page = memory::pageBytes();
  const size_t span = stackBytes + page;
  machine->stacks = (char *)mmap(nullptr, span * mostThreads, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (machine->stacks == MAP_FAILED) abort();
  for (unsigned i = 0; i < mostThreads; i++) mprotect(machine->stacks + i * span, page, PROT_NONE);
  freeAllStacks();
  // Dynamic shared memory ends at a page that nobody may touch.
  const size_t sharedSpan = (mostShared + page) / page * page;
  char *shared = (char *)mmap(nullptr, sharedSpan + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(shared + sharedSpan, page, PROT_NONE);
  machine->shared = (unsigned char *)shared + sharedSpan;
}

// Gives the lanes of a complete group what they asked for. Lanes that do not exist give the pattern of poison.
void completeWarp(unsigned first, unsigned mask, unsigned lanes) {
  Thread *threads = machine->threads + first;
  const unsigned operation = threads[__builtin_ctz(mask & lanes)].operation;
  const unsigned there = mask & lanes;
  unsigned long long votes = 0, total = 0, low = ~0ull, high = 0, all = ~0ull, some = 0;
  for (unsigned lane = 0; lane < warpWidth; lane++) {
    if (!(there >> lane & 1)) continue;
    const unsigned long long value = threads[lane].value;
    if (value) votes |= 1ull << lane;
    total += value;
    if (value < low) low = value;
    if (value > high) high = value;
    all &= value;
    some |= value;
  }
  for (unsigned lane = 0; lane < warpWidth; lane++) {
    if (!(there >> lane & 1)) continue;
    Thread &thread = threads[lane];
    const unsigned width = thread.argument & 0xffff;
    const int by = (int)(short)(thread.argument >> 16);
    const int section = (int)(lane / (width ? width : 1) * width);
    int source = (int)lane;
    switch (operation) {
      case shuffle: source = section + by; break;
      case shuffleUp: source = (int)lane - by < section ? (int)lane : (int)lane - by; break;
      case shuffleDown: source = (int)lane + by >= section + (int)width ? (int)lane : (int)lane + by; break;
      case shuffleXor: source = ((int)lane ^ by) >= section + (int)width ? (int)lane : (int)lane ^ by; break;
      case ballot: thread.result = votes; break;
      case sum: thread.result = total; break;
      case least: thread.result = low; break;
      case most: thread.result = high; break;
      case bitAnd: thread.result = all; break;
      case bitOr: thread.result = some; break;
      case match: {
        unsigned long long equal = 0;
        for (unsigned other = 0; other < warpWidth; other++)
          if ((there >> other & 1) && threads[other].value == thread.value) equal |= 1ull << other;
        thread.result = equal;
        break;
      }
      default: break;
    }
    if (operation >= shuffle && operation <= shuffleXor)
      thread.result = source >= 0 && source < 32 && (there >> source & 1) ? threads[source].value : ~0ull;
  }
  for (unsigned lane = 0; lane < warpWidth; lane++)
    if (there >> lane & 1) threads[lane].state = ready;
  // Of the operations of a warp this one alone orders memory.
  if (watch::isOn && operation == warpSync) watch::passWarp(first, there);
}

void waitForOthers() {
  Machine &m = *machine;
  const unsigned self = m.current;
  switchFiber(&m.threads[self].fiber, &m.scheduler);
}

std::string stuck() {
  Machine &m = *machine;
  unsigned waiting = 0, done = 0, inWarp = 0, exampleBlock = 0, exampleWarp = 0, exampleDone = 0;
  for (unsigned i = 0; i < m.count; i++) {
    if (m.threads[i].state == atBlock) waiting++, exampleBlock = i;
    if (m.threads[i].state == atWarp) inWarp++, exampleWarp = i;
    if (m.threads[i].state == finished) done++, exampleDone = i;
  }
  std::string what = text("%s, block %u of %u: a barrier that not all threads reach:", m.kernel->name, m.block, m.blocks);
  if (waiting) what += text(" %u wait in __syncthreads (thread %u),", waiting, exampleBlock);
  if (inWarp) {
    const Thread &thread = m.threads[exampleWarp];
    what += text(" %u wait in %s with mask %08x (thread %u),", inWarp, warpNames[thread.operation], thread.mask,
                 exampleWarp);
  }
  if (done) what += text(" %u have returned (thread %u),", done, exampleDone);
  what.back() = '.';
  return what;
}

void runBlock() {
  Machine &m = *machine;
  unsigned active = m.count;
  for (unsigned i = 0; i < m.count; i++) m.threads[i].state = fresh;
  while (active > 0) {
    arrange(m.order, m.count);
    bool progress = false;
    for (unsigned i = 0; i < m.count; i++) {
      const unsigned self = m.order[i];
      Thread &thread = m.threads[self];
      if (thread.state == fresh) {
        thread.stack = m.freeStacks[--m.freeCount];
        startFiber(&thread.fiber, thread.stack, stackBytes, runThread);
        thread.state = ready;
      }
      if (thread.state != ready) continue;
      progress = true;
      m.current = self;
      threadIdx.x = self;
      switchFiber(&m.scheduler, &thread.fiber);
      if (!m.error.empty()) return;
      if (thread.state == finished) {
        m.freeStacks[m.freeCount++] = thread.stack;
        active--;
      }
    }
    unsigned waiting = 0;
    for (unsigned i = 0; i < m.count; i++) waiting += m.threads[i].state == atBlock;
    if (waiting == m.count) {
      unsigned count = 0;
      for (unsigned i = 0; i < m.count; i++) {
        count += m.threads[i].predicate;
        if (m.threads[i].blockOperation != m.threads[0].blockOperation)
          m.error = text("%s, block %u of %u: threads 0 and %u wait in different barriers of the block.", m.kernel->name,
                         m.block, m.blocks, i);
      }
      if (!m.error.empty()) return;
      for (unsigned i = 0; i < m.count; i++) m.threads[i].count = count, m.threads[i].state = ready;
      if (watch::isOn) watch::passBarrier();
    } else if (!progress) {
      m.error = stuck();
      return;
    }
  }
}

void onFault(int signal, siginfo_t *info, void *context) {
  if (!machine || !machine->running || !pthread_equal(machine->owner, pthread_self())) {
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    return;
  }
  void *place = faultPlace(context);
  std::string what;
  if (signal == SIGSEGV || signal == SIGBUS) {
    what = "touches memory that is not its own: " + describeAddress((uint64_t)info->si_addr);
    const unsigned char *address = (const unsigned char *)info->si_addr;
    const unsigned char *stack = (const unsigned char *)machine->threads[machine->current].stack;
    if (address < stack && address >= stack - memory::pageBytes())
      what = text("needs more than %zu KiB of stack", stackBytes >> 10);
    if (address >= machine->shared && address < machine->shared + 4096)
      what = text("touches dynamic shared memory %ld bytes past its end", (long)(address - machine->shared));
  } else if (signal == SIGFPE) {
    what = "divides an integer by zero";
  } else {
    what = "leaves the bounds of an array or reads a number at an address that is no multiple of its size";
  }
  fail(whereNow() + ": " + what + placeOf(place) + ".");
}

const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

void prepareFaults(struct sigaction *old) {
  static thread_local unsigned char *alternate = nullptr;
  if (!alternate) {
    alternate = (unsigned char *)malloc(65536);
    stack_t stack = {};
    stack.ss_sp = alternate;
    stack.ss_size = 65536;
    sigaltstack(&stack, nullptr);
  }
  struct sigaction action = {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  for (unsigned i = 0; i < 5; i++) sigaction(faults[i], &action, &old[i]);
}

void restoreFaults(const struct sigaction *old) {
  for (unsigned i = 0; i < 5; i++) sigaction(faults[i], &old[i], nullptr);
}

int refuse(const std::string &what) {
  lastError = what;
  return 1;
}

}  // namespace

extern "C" {

/** 0 forward, 1 reverse, 2 random: of the threads at every barrier, and of the blocks. */
void peftSetOrder(int chosen, unsigned long long chosenSeed) {
  order = (Order)chosen;
  seed = chosenSeed * 0x9e3779b97f4a7c15ull | 1;
}

/** Why the last call of this thread failed. */
const char *peftError() { return lastError.c_str(); }

void peftTrap(const char *what) { fail(whereNow() + ": " + what + placeOf(__builtin_return_address(0)) + "."); }

void peftSyncThreads(unsigned operation, unsigned predicate, unsigned *result) {
  Thread &thread = machine->threads[machine->current];
  thread.state = atBlock;
  thread.blockOperation = operation;
  thread.predicate = predicate;
  waitForOthers();
  *result = thread.count;
}

unsigned long long peftWarp(unsigned operation, unsigned mask, unsigned long long value, unsigned argument) {
  Machine &m = *machine;
  const unsigned self = m.current, lane = self % warpWidth, first = self - lane;
  Thread &thread = m.threads[self];
  const unsigned there = m.count - first >= warpWidth ? ~0u : (1u << (m.count - first)) - 1;
  if (!(mask >> lane & 1))
    fail(whereNow() + text(": calls %s with mask %08x, which lacks its own lane %u", warpNames[operation], mask, lane) +
         placeOf(__builtin_return_address(0)) + ".");
  if (operation >= shuffle && operation <= shuffleXor) {
    const unsigned width = argument & 0xffff;
    if (width == 0 || width > warpWidth || (width & (width - 1)))
      fail(whereNow() + text(": calls %s with width %u, no power of two up to 32", warpNames[operation], width) + ".");
  }
  thread.operation = operation;
  thread.mask = mask;
  thread.value = value;
  thread.argument = argument;
  thread.state = atWarp;
  bool complete = true;
  for (unsigned other = 0; other < warpWidth; other++) {
    if (!((mask & there) >> other & 1)) continue;
    const Thread &fellow = m.threads[first + other];
    if (fellow.state == finished)
      fail(whereNow() +
           text(": calls %s with mask %08x, but lane %u has returned", warpNames[operation], mask, other) +
           placeOf(__builtin_return_address(0)) + ".");
    if (fellow.state != atWarp) complete = false;
    else if (fellow.mask != mask || fellow.operation != operation)
      fail(whereNow() + text(": calls %s with mask %08x while lane %u calls %s with mask %08x", warpNames[operation],
                             mask, other, warpNames[fellow.operation], fellow.mask) +
           placeOf(__builtin_return_address(0)) + ".");
  }
  if (complete) completeWarp(first, mask, there);
  waitForOthers();
  return thread.result;
}

const void *peftWarpRecords(const void *mine, unsigned bytes) {
  Machine &m = *machine;
  const unsigned lane = m.current % warpWidth;
  if (m.count - (m.current - lane) < warpWidth) fail(whereNow() + ": calls peftWarpExchange in a warp that is not full.");
  Records &shared = m.records[m.current / warpWidth];
  // All lanes of a warp exchange as often, so that the turn of the first to come is the turn of all.
  const unsigned turn = shared.turn;
  memcpy(shared.bytes[turn] + lane * bytes, mine, bytes);
  peftWarp(records, ~0u, bytes, 0);
  shared.turn = turn ^ 1;
  return shared.bytes[turn];
}

void peftFence() { watch::hasFence = true; }

void peftAccess(uint64_t address, unsigned bytes, int isWrite, void *place) {
  if (!watch::isOn || !machine->running) return;
  watch::Range *range = watch::rangeOf(address);
  if (!range) return;
  const char *verb = isWrite ? "writes" : "reads";
  if (address < range->start || address + bytes > range->start + range->bytes)
    fail(whereNow() + text(": %s %u bytes at byte %lld of an allocation of %llu bytes", verb, bytes,
                           (long long)(address - range->start), (unsigned long long)range->bytes) +
         placeOf(place) + ".");
  if (range->bytes > watch::mostWatched) return;
  const watch::Problem problem = watch::note(*range, address, bytes, isWrite != 0, machine->current);
  if (!problem.what) return;
  const char *memory = range == &watch::staticShared || range == &watch::dynamicShared ? "shared memory" : "an allocation";
  fail(whereNow() + text(": %s byte %llu of %s, which %s thread %u of block %u with no barrier between them", verb,
                         (unsigned long long)problem.place, memory, problem.what, problem.other->thread,
                         problem.other->block) +
       placeOf(place) + ".");
}

void peftBeginWrite(const void *to, unsigned bytes) {
  peftAccess((uint64_t)to, bytes, 1, __builtin_return_address(0));
}

/** Runs a kernel. 0, or 1 with the reason in peftError(). */
int peftRun(const Kernel *kernels, const char *name, unsigned blocks, unsigned threads, unsigned sharedBytes,
            const void *parameters, unsigned char *staticShared, unsigned long long staticSharedBytes, int isWatched) {
  const Kernel *kernel = kernels;
  while (kernel && strcmp(kernel->name, name) != 0) kernel = kernel->next;
  if (!kernel) return refuse(text("no kernel is named %s.", name));
  if (blocks == 0 || blocks > 0x7fffffffu) return refuse(text("%s: %u blocks; a grid has 1 to 2147483647.", name, blocks));
  if (threads == 0 || threads > kernel->mostThreads || threads > mostThreads)
    return refuse(text("%s: %u threads a block; PEFT_KERNEL says at most %u.", name, threads, kernel->mostThreads));
  if (sharedBytes + staticSharedBytes > mostShared + 1024)
    return refuse(text("%s: %u bytes of dynamic and %llu of static shared memory; a block has %u.", name, sharedBytes,
                       staticSharedBytes, mostShared));

  pthread_mutex_lock(&oneLaunch);
  if (!machine) makeMachine();
  Machine &m = *machine;
  m.kernel = kernel;
  m.parameters = parameters;
  m.blocks = blocks;
  m.count = threads;
  m.error.clear();
  m.owner = pthread_self();
  randomState = seed;
  threadIdx = {0, 0, 0};
  blockDim = {threads, 1, 1};
  const unsigned sharedSpan = (sharedBytes + 15) / 16 * 16;
  peftDynamicShared = m.shared - sharedSpan;

  watch::isOn = isWatched != 0;
  if (watch::isOn) {
    watch::staticShared = watch::sharedRange(staticShared, staticSharedBytes, watch::staticShared);
    watch::dynamicShared = watch::sharedRange(peftDynamicShared, sharedSpan, watch::dynamicShared);
    watch::beginLaunch();
  }
  unsigned *sequence = (unsigned *)malloc(sizeof(unsigned) * blocks);
  arrange(sequence, blocks);
  struct sigaction old[5];
  prepareFaults(old);
  m.running = true;
  for (unsigned i = 0; i < blocks && m.error.empty(); i++) {
    m.block = sequence[i];
    // A NaN as f32 and as bf16, and no index of anything.
    memset(staticShared, 0xff, staticSharedBytes);
    memset(peftDynamicShared, 0xff, sharedSpan);
    for (unsigned warp = 0; warp < (threads + warpWidth - 1) / warpWidth; warp++) m.records[warp].turn = 0;
    if (watch::isOn) watch::beginBlock(m.block);
    runBlock();
  }
  m.running = false;
  restoreFaults(old);
  free(sequence);
  const std::string error = m.error;
  // Fibers that were given up still hold their stacks.
  if (!error.empty()) freeAllStacks();
  pthread_mutex_unlock(&oneLaunch);
  return error.empty() ? 0 : refuse(error);
}
}

extern "C" {

/** Memory between guard zones, filled with NaN patterns; 0 where the host has none. */
uint64_t peftAllocate(unsigned long long bytes) { return memory::allocate(bytes); }

/** 0, or 1 where the address is no allocation or was written around; the reason is in peftError(). */
int peftFree(uint64_t address) {
  const std::string problem = memory::release(address);
  return problem.empty() ? 0 : refuse(problem);
}

/** 0, or 1 where something was written outside an allocation. */
int peftCheckMemory() {
  const std::string problem = memory::check();
  return problem.empty() ? 0 : refuse(problem);
}

/** 1 where all bytes of a range belong to one allocation. */
int peftOwns(uint64_t address, unsigned long long bytes) { return memory::owns(address, bytes) ? 1 : 0; }

/** Bytes and number of the allocations. */
void peftMemoryUse(unsigned long long *bytes, unsigned *count) { memory::use(bytes, count); }

void peftCopy(void *to, const void *from, unsigned long long bytes) { memmove(to, from, bytes); }

void peftFill(void *to, int byte, unsigned long long bytes) { memset(to, byte, bytes); }
}

// What g++ calls at the accesses of code that it is asked to watch (-fsanitize=thread).
#define PEFT_ACCESS(bytes)                                                                                            \
  void __tsan_read##bytes(void *at) { peftAccess((uint64_t)at, bytes, 0, __builtin_return_address(0)); }              \
  void __tsan_write##bytes(void *at) { peftAccess((uint64_t)at, bytes, 1, __builtin_return_address(0)); }             \
  void __tsan_unaligned_read##bytes(void *at) { peftAccess((uint64_t)at, bytes, 0, __builtin_return_address(0)); }    \
  void __tsan_unaligned_write##bytes(void *at) { peftAccess((uint64_t)at, bytes, 1, __builtin_return_address(0)); }   \
  void __tsan_volatile_read##bytes(void *at) { peftAccess((uint64_t)at, bytes, 0, __builtin_return_address(0)); }     \
  void __tsan_volatile_write##bytes(void *at) { peftAccess((uint64_t)at, bytes, 1, __builtin_return_address(0)); }

extern "C" {
PEFT_ACCESS(1)
PEFT_ACCESS(2)
PEFT_ACCESS(4)
PEFT_ACCESS(8)
PEFT_ACCESS(16)
void __tsan_read_range(void *at, unsigned long bytes) {
  peftAccess((uint64_t)at, (unsigned)bytes, 0, __builtin_return_address(0));
}
void __tsan_write_range(void *at, unsigned long bytes) {
  peftAccess((uint64_t)at, (unsigned)bytes, 1, __builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
}
