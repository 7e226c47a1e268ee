// Memory of the simulated device: each allocation between guard zones whose bytes are known, with a page behind that
// nobody may touch, filled with NaN patterns when made.
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <string>

namespace memory {

struct Allocation {
  uint64_t bytes;
  unsigned char *mapping;
  size_t mappingBytes;
};

inline std::map<uint64_t, Allocation> allocations;
inline pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
inline uint64_t total = 0;

struct Locked {
  Locked() { pthread_mutex_lock(&lock); }
  ~Locked() { pthread_mutex_unlock(&lock); }
};

const uint64_t alignment = 256;
const uint64_t frontBytes = 256;

/** What a guard zone holds at an address: a NaN as f32 and as bf16, and no sensible integer. */
inline unsigned char guardByte(const unsigned char *at) { return (uint64_t)at % 2 ? 0xff : 0xf1; }

inline void guard(unsigned char *from, const unsigned char *to) {
  for (; from < to; from++) *from = guardByte(from);
}

inline size_t pageBytes() {
  static const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return page;
}

inline uint64_t allocate(uint64_t bytes) {
  const size_t page = pageBytes();
  const uint64_t padded = (bytes + alignment - 1) / alignment * alignment;
  // Guard bytes, the allocation up to the end of a page, a forbidden page.
  const size_t inner = (size_t)((padded + frontBytes + page - 1) / page * page);
  const size_t whole = inner + page;
  unsigned char *mapping =
      (unsigned char *)mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return 0;
  mprotect(mapping + inner, page, PROT_NONE);
  unsigned char *start = mapping + inner - padded;
  guard(mapping, start);
  memset(start, 0xff, (size_t)bytes);
  guard(start + bytes, start + padded);
  Locked locked;
  allocations[(uint64_t)start] = {bytes, mapping, whole};
  total += bytes;
  return (uint64_t)start;
}

inline std::string hex(uint64_t address) {
  char buffer[24];
  snprintf(buffer, sizeof buffer, "0x%llx", (unsigned long long)address);
  return buffer;
}

/** Which guard bytes of an allocation were written over; empty where none. */
inline std::string damage(uint64_t start, const Allocation &each) {
  const unsigned char *from = (const unsigned char *)start;
  for (const unsigned char *at = from - 1; at >= each.mapping; at--)
    if (*at != guardByte(at))
      return "written " + std::to_string(from - at) + " bytes before an allocation of " + std::to_string(each.bytes) +
             " bytes at " + hex(start);
  const unsigned char *end = from + each.bytes;
  const unsigned char *limit = each.mapping + each.mappingBytes - pageBytes();
  for (const unsigned char *at = end; at < limit; at++)
    if (*at != guardByte(at))
      return "written " + std::to_string(at - end) + " bytes past the end of an allocation of " +
             std::to_string(each.bytes) + " bytes at " + hex(start);
  return "";
}

/** Frees; a text says what is wrong. */
inline std::string release(uint64_t address) {
  Locked locked;
  const auto found = allocations.find(address);
  if (found == allocations.end()) return hex(address) + " is the start of no allocation";
  const std::string problem = damage(address, found->second);
  munmap(found->second.mapping, found->second.mappingBytes);
  total -= found->second.bytes;
  allocations.erase(found);
  return problem;
}

/** Whether all bytes of a range belong to one allocation. */
inline bool owns(uint64_t address, uint64_t bytes) {
  Locked locked;
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return false;
  --next;
  return address - next->first + bytes <= next->second.bytes;
}

inline void use(unsigned long long *bytes, unsigned *count) {
  Locked locked;
  *bytes = total;
  *count = (unsigned)allocations.size();
}

/** The first damage of all allocations; empty where none. */
inline std::string check() {
  Locked locked;
  for (const auto &[start, each] : allocations) {
    const std::string problem = damage(start, each);
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace memory

/** An address by the allocation that is nearest before it. */
inline std::string describeAddress(uint64_t address) {
  using namespace memory;
  const auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return hex(address) + " is in no allocation";
  const auto &[start, each] = *std::prev(next);
  if (address - start < each.bytes) return hex(address) + " is inside an allocation";
  if (address - start - each.bytes > (1u << 30)) return hex(address) + " is in no allocation";
  return hex(address) + ", " + std::to_string(address - start - each.bytes) + " bytes past the end of an allocation of " +
         std::to_string(each.bytes) + " bytes";
}
