// Stands in for libnvrtc: an image is a shared library that g++ makes of the shim and the given text. Built with the
// places of the shim, the runtime and a cache as macros.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <string>

#include "simulatedFailures.hpp"

namespace {

enum Status : int {
  success = 0,
  invalidInput = 3,
  invalidProgram = 4,
  invalidOption = 5,
  compilation = 6
};

struct Program {
  std::string text, name, log, image;
};

const int architectures[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};

std::mutex lock;
std::set<Program *> programs;

#define BEGIN                                                  \
  if (const int status = peftPlanted(__func__)) return status;

bool isLive(Program *program) {
  std::lock_guard<std::mutex> locked(lock);
  return programs.count(program) > 0;
}

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/** FNV-1a, twice, from two starts. */
std::string hash(const std::string &text) {
  uint64_t first = 0xcbf29ce484222325ull, second = 0x84222325cbf29ce4ull;
  for (const unsigned char each : text) {
    first = (first ^ each) * 0x100000001b3ull;
    second = (second ^ each ^ 0x5a) * 0x100000001b3ull;
  }
  char digits[40];
  snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)first, (unsigned long long)second);
  return digits;
}

/** The number of `--gpu-architecture=sm_90a`, 0 where it is none. */
int architectureOf(const std::string &option) {
  const std::string start = "--gpu-architecture=";
  if (option.compare(0, start.size(), start) != 0) return 0;
  const size_t number = option.find('_');
  const int found = number == std::string::npos ? 0 : atoi(option.c_str() + number + 1);
  for (const int each : architectures)
    if (each == found) return found;
  return 0;
}

int compile(Program &program, int architecture) {
  std::string text = read(PEFT_SHIM) + "\nnamespace {\n#line 1 \"" + program.name + "\"\n" + program.text + "\n}  // namespace\n#line 1 \"exports\"\n" +
                     "PEFT_HOST_EXPORTS\nextern \"C\" const int peftArchitecture = " + std::to_string(architecture) + ";\n";
  const std::string path = std::string(PEFT_CACHE) + "nvrtc-" + hash(text + PEFT_RUNTIME + PEFT_FLAGS) + ".so";
  if (access(path.c_str(), R_OK) == 0) {
    program.image = read(path);
    return success;
  }
  // Two programs of one text may be compiled at once.
  char unique[64];
  snprintf(unique, sizeof unique, ".%d-%p", (int)getpid(), (void *)&program);
  const std::string source = path + unique + ".cpp", made = path + unique, said = made + ".log";
  std::ofstream(source, std::ios::binary) << text;
  const std::string command = std::string("g++ ") + PEFT_FLAGS + " '" + source + "' -o '" + made + "' '-Wl,-rpath,$ORIGIN' -L'" +
                              PEFT_CACHE + "' -l:" + PEFT_RUNTIME + " -ldl -lpthread 2>'" + said + "'";
  const int status = system(command.c_str());
  program.log = read(said);
  for (size_t at = program.log.find(source); at != std::string::npos; at = program.log.find(source))
    program.log.replace(at, source.size(), program.name);
  unlink(source.c_str());
  unlink(said.c_str());
  if (status != 0) {
    unlink(made.c_str());
    return compilation;
  }
  program.image = read(made);
  rename(made.c_str(), path.c_str());
  return success;
}

int give(void *handle, const std::string Program::*what, size_t extra, size_t *bytes) {
  Program *program = (Program *)handle;
  if (!isLive(program)) return invalidProgram;
  *bytes = (program->*what).size() + extra;
  return success;
}

int copy(void *handle, const std::string Program::*what, size_t extra, char *into) {
  Program *program = (Program *)handle;
  if (!isLive(program)) return invalidProgram;
  memcpy(into, (program->*what).c_str(), (program->*what).size() + extra);
  return success;
}

}  // namespace

extern "C" {

int nvrtcVersion(int *major, int *minor) {
  BEGIN
  *major = 13;
  *minor = 0;
  return success;
}

int nvrtcGetNumSupportedArchs(int *count) {
  BEGIN
  *count = (int)(sizeof architectures / sizeof *architectures);
  return success;
}

int nvrtcGetSupportedArchs(int *all) {
  BEGIN
  memcpy(all, architectures, sizeof architectures);
  return success;
}

int nvrtcCreateProgram(void **handle, const char *text, const char *name, int headers, const void *, const void *) {
  BEGIN
  // What the package compiles includes nothing.
  if (!text || headers != 0) return invalidInput;
  Program *program = new Program{text, name ? name : "default_program", "", ""};
  std::lock_guard<std::mutex> locked(lock);
  programs.insert(program);
  *handle = program;
  return success;
}

int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
  BEGIN
  Program *program = (Program *)handle;
  if (!isLive(program)) return invalidProgram;
  int architecture = 75;
  for (int i = 0; i < count; i++) {
    const std::string option = options[i];
    if (option.compare(0, 19, "--gpu-architecture=") == 0) {
      architecture = architectureOf(option);
      if (architecture == 0) return invalidOption;
    } else if (option != "--std=c++17" && option.compare(0, 2, "-D") != 0 && option.compare(0, 2, "--") != 0) {
      return invalidOption;
    }
  }
  return compile(*program, architecture);
}

int nvrtcGetProgramLogSize(void *program, size_t *bytes) {
  BEGIN
  return give(program, &Program::log, 1, bytes);
}

int nvrtcGetProgramLog(void *program, char *into) {
  BEGIN
  return copy(program, &Program::log, 1, into);
}

int nvrtcGetCUBINSize(void *program, size_t *bytes) {
  BEGIN
  return give(program, &Program::image, 0, bytes);
}

int nvrtcGetCUBIN(void *program, char *into) {
  BEGIN
  return copy(program, &Program::image, 0, into);
}

int nvrtcGetPTXSize(void *program, size_t *bytes) {
  BEGIN
  return give(program, &Program::image, 0, bytes);
}

int nvrtcGetPTX(void *program, char *into) {
  BEGIN
  return copy(program, &Program::image, 0, into);
}

int nvrtcDestroyProgram(void **handle) {
  BEGIN
  Program *program = (Program *)*handle;
  std::lock_guard<std::mutex> locked(lock);
  if (!programs.erase(program)) return invalidProgram;
  delete program;
  *handle = nullptr;
  return success;
}

const char *nvrtcGetErrorString(int status) {
  switch (status) {
    case success: return "NVRTC_SUCCESS";
    case 1: return "NVRTC_ERROR_OUT_OF_MEMORY";
    case 2: return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case invalidInput: return "NVRTC_ERROR_INVALID_INPUT";
    case invalidProgram: return "NVRTC_ERROR_INVALID_PROGRAM";
    case invalidOption: return "NVRTC_ERROR_INVALID_OPTION";
    case compilation: return "NVRTC_ERROR_COMPILATION";
    case 7: return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    default: return "NVRTC_ERROR_INTERNAL_ERROR";
  }
}
}
