// Streams of the simulated device: queues whose work runs in order, when the mode of the device says.
#pragma once

#include <stdint.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace simulated {

/** When work runs: only where the host waits or asks (late), at once (eager), or on a thread of each stream. */
enum Mode : int { late = 0, eager = 1, threaded = 2 };

/** One thing that a stream does; gives the status that its failure leaves behind, 0 for none. */
typedef std::function<int()> Operation;
typedef std::vector<Operation> Operations;

/** The status that all calls give once some work has failed; 0 until then. */
inline std::mutex lostLock;
inline int lostStatus = 0;

inline int lost() {
  std::lock_guard<std::mutex> locked(lostLock);
  return lostStatus;
}

inline void lose(int status) {
  std::lock_guard<std::mutex> locked(lostLock);
  if (lostStatus == 0) lostStatus = status;
}

class Queue {
 public:
  explicit Queue(Mode mode) : mode_(mode) {
    if (mode == threaded) worker_ = std::thread([this] { work(); });
  }

  ~Queue() {
    if (mode_ != threaded) return;
    {
      std::lock_guard<std::mutex> locked(lock_);
      closing_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  /** Puts work in; gives the number of work items after it, by which an event knows it. */
  uint64_t put(const Operation &operation) {
    uint64_t ticket;
    {
      std::lock_guard<std::mutex> locked(lock_);
      waiting_.push_back(operation);
      ticket = ++added_;
    }
    changed_.notify_all();
    if (mode_ == eager) drain();
    return ticket;
  }

  uint64_t added() {
    std::lock_guard<std::mutex> locked(lock_);
    return added_;
  }

  bool isDone(uint64_t ticket) {
    std::lock_guard<std::mutex> locked(lock_);
    return done_ >= ticket;
  }

  /** What a question about the queue lets happen in the late mode: some of the work. */
  void advance(unsigned most) {
    if (mode_ != late) return;
    for (unsigned i = 0; i < most; i++)
      if (!runOne()) return;
  }

  /** Returns when all work has run. */
  void drain() {
    if (mode_ == threaded) {
      std::unique_lock<std::mutex> locked(lock_);
      changed_.wait(locked, [this] { return done_ == added_; });
      return;
    }
    while (runOne()) {
    }
  }

 private:
  bool runOne() {
    Operation operation;
    {
      std::lock_guard<std::mutex> locked(lock_);
      if (waiting_.empty()) return false;
      operation = std::move(waiting_.front());
      waiting_.pop_front();
    }
    // Nothing runs on a device that is lost.
    const int status = lost() ? 0 : operation();
    if (status != 0) lose(status);
    {
      std::lock_guard<std::mutex> locked(lock_);
      done_++;
    }
    changed_.notify_all();
    return true;
  }

  void work() {
    for (;;) {
      {
        std::unique_lock<std::mutex> locked(lock_);
        changed_.wait(locked, [this] { return closing_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
      }
      runOne();
    }
  }

  const Mode mode_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Operation> waiting_;
  uint64_t added_ = 0, done_ = 0;
  bool closing_ = false;
  std::thread worker_;
};

}  // namespace simulated
