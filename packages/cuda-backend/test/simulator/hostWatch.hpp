// Who read and wrote each byte since the last barrier. Kernels compiled to be watched call it at every access to memory:
// an access outside an allocation, or two that no barrier orders, one of them a write, end the launch with their places.
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hostMemory.hpp"

namespace watch {

const unsigned warpWidth = 32;
const unsigned mostThreads = 1024;
const uint64_t mostWatched = 16ull << 20;

struct Access {
  // Counts barriers of blocks over all launches; 0 is no access.
  uint32_t epoch;
  uint32_t block;
  uint16_t thread;
  // Counts the operations of its warp that order memory, since the last barrier of the block.
  uint16_t clock;
};

struct Cell {
  Access write, read, otherRead;
};

struct Range {
  uint64_t start, bytes, mapping, mappingEnd;
  Cell *cells;
  // Shared memory is another's for every block.
  bool isShared;
};

inline bool isOn = false;
inline uint32_t epoch = 0, launchEpoch = 0;
inline uint32_t block = 0;
inline bool hasFence = false;
inline std::vector<Range> ranges;
inline Range *last = nullptr;
// What each thread knows of the clocks of the lanes of its warp.
inline uint16_t known[mostThreads][warpWidth];
inline Range staticShared, dynamicShared;

inline void freeCells(Range &range) {
  if (range.cells) munmap(range.cells, range.bytes * sizeof(Cell));
  range.cells = nullptr;
}

/** Begins a launch: the allocations there are, none of them touched. */
inline void beginLaunch() {
  std::vector<Range> now;
  {
    memory::Locked locked;
    for (const auto &[start, each] : memory::allocations)
      now.push_back({start, each.bytes, (uint64_t)each.mapping, (uint64_t)each.mapping + each.mappingBytes,
                     nullptr, false});
  }
  // Cells stay with an allocation from launch to launch: their epochs are past.
  size_t kept = 0;
  for (Range &old : ranges) {
    while (kept < now.size() && now[kept].start < old.start) kept++;
    const bool isThere = kept < now.size() && now[kept].start == old.start && now[kept].bytes == old.bytes;
    if (isThere) now[kept].cells = old.cells;
    else freeCells(old);
  }
  ranges = now;
  last = nullptr;
  launchEpoch = ++epoch;
  hasFence = false;
}

inline void beginBlock(uint32_t number) {
  epoch++;
  block = number;
  memset(known, 0, sizeof known);
}

/** All threads of the block have passed a barrier. */
inline void passBarrier() {
  epoch++;
  memset(known, 0, sizeof known);
}

/** The lanes of a mask have passed an operation of their warp that orders memory. */
inline void passWarp(unsigned first, unsigned mask) {
  uint16_t joined[warpWidth] = {};
  for (unsigned lane = 0; lane < warpWidth; lane++) {
    if (!(mask >> lane & 1)) continue;
    // Its own accesses so far are those up to its clock, counted from 1.
    known[first + lane][lane]++;
    for (unsigned other = 0; other < warpWidth; other++)
      joined[other] = std::max(joined[other], known[first + lane][other]);
  }
  for (unsigned lane = 0; lane < warpWidth; lane++)
    if (mask >> lane & 1) memcpy(known[first + lane], joined, sizeof joined);
}

inline bool isUnordered(const Access &earlier, unsigned thread, bool isShared) {
  if (earlier.epoch < launchEpoch) return false;
  if (earlier.block != block) return !isShared && !hasFence;
  if (earlier.epoch != epoch || earlier.thread == thread) return false;
  const bool isSameWarp = earlier.thread / warpWidth == thread / warpWidth;
  return !isSameWarp || known[thread][earlier.thread % warpWidth] <= earlier.clock;
}

struct Problem {
  const char *what;
  const Access *other;
  uint64_t place;
  const Range *range;
};

/** Notes an access; says what is wrong with it. */
inline Problem note(Range &range, uint64_t address, unsigned bytes, bool isWrite, unsigned thread) {
  if (!range.cells) {
    void *cells = mmap(nullptr, range.bytes * sizeof(Cell), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cells == MAP_FAILED) return {nullptr, nullptr, 0, nullptr};
    range.cells = (Cell *)cells;
  }
  const Access now = {epoch, block, (uint16_t)thread, known[thread][thread % warpWidth]};
  for (uint64_t place = address - range.start; place < address - range.start + bytes; place++) {
    Cell &cell = range.cells[place];
    if (isUnordered(cell.write, thread, range.isShared)) return {"was written by", &cell.write, place, &range};
    if (!isWrite) {
      if (cell.read.thread != thread || cell.read.block != block) cell.otherRead = cell.read;
      cell.read = now;
      continue;
    }
    if (isUnordered(cell.read, thread, range.isShared)) return {"was read by", &cell.read, place, &range};
    if (isUnordered(cell.otherRead, thread, range.isShared)) return {"was read by", &cell.otherRead, place, &range};
    cell.write = now;
  }
  return {nullptr, nullptr, 0, nullptr};
}

/** The range whose memory or guard zones an address lies in; null for what is not watched. */
inline Range *rangeOf(uint64_t address) {
  const auto isIn = [address](const Range &range) { return address >= range.mapping && address < range.mappingEnd; };
  if (isIn(staticShared)) return &staticShared;
  if (isIn(dynamicShared)) return &dynamicShared;
  if (last && isIn(*last)) return last;
  auto next = std::upper_bound(ranges.begin(), ranges.end(), address,
                               [](uint64_t at, const Range &range) { return at < range.mapping; });
  if (next == ranges.begin()) return nullptr;
  --next;
  return isIn(*next) ? last = &*next : nullptr;
}

/** Shared memory of a launch, each byte watched. */
inline Range sharedRange(const void *start, uint64_t bytes, Range &before) {
  if (before.bytes != bytes) freeCells(before);
  Cell *cells = before.bytes == bytes ? before.cells : nullptr;
  return {(uint64_t)start, bytes, (uint64_t)start, (uint64_t)start + bytes, cells, true};
}

}  // namespace watch
