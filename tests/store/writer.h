// What the tests of durable stores share.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "words.h"

namespace livy {

inline int ModeOf(const std::filesystem::path& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? static_cast<int>(status.st_mode & 0777) : -1;
}

// store_writer, running until it is killed.
class Writer {
 public:
  Writer(const char* kind, const std::filesystem::path& file) {
    int ends[2] = {-1, -1};
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(STORE_WRITER, STORE_WRITER, kind, file.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Writer() {
    std::fclose(output_);
    if (process_ > 0) KillNow();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The number of the next transaction it says was acknowledged; -1 after the last.
  int Next() {
    char line[32] = {};
    return std::fgets(line, sizeof(line), output_) == nullptr ? -1 : std::atoi(line);
  }

  void KillNow() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  pid_t process_ = -1;
  std::FILE* output_ = nullptr;
};

}  // namespace livy
