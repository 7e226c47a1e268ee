#include "simulatedFailures.hpp"

#include <map>
#include <mutex>
#include <string>

namespace {

struct Planted {
  int remaining;
  int status;
};

std::mutex planting;
std::map<std::string, Planted> planted;
std::map<std::string, unsigned long long> calls;

}  // namespace

extern "C" {

int peftPlanted(const char *name) {
  std::lock_guard<std::mutex> locked(planting);
  calls[name]++;
  const auto found = planted.find(name);
  if (found == planted.end() || --found->second.remaining > 0) return 0;
  const int status = found->second.status;
  planted.erase(found);
  return status;
}

void peftPlant(const char *name, int nth, int status) {
  std::lock_guard<std::mutex> locked(planting);
  if (status == 0) planted.erase(name);
  else planted[name] = {nth, status};
}

unsigned long long peftCalls(const char *name) {
  std::lock_guard<std::mutex> locked(planting);
  const auto found = calls.find(name);
  return found == calls.end() ? 0 : found->second;
}

void peftForgetCalls() {
  std::lock_guard<std::mutex> locked(planting);
  planted.clear();
  calls.clear();
}
}
