// ServerProcess: a program that the tests of stores need, as a child with pipes.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

namespace livy {

class ServerProcess {
 public:
  // Standard error goes to a file in `folder`.
  ServerProcess(const std::vector<std::string>& command, const std::filesystem::path& folder) {
    int to[2] = {-1, -1};
    int from[2] = {-1, -1};
    REQUIRE(pipe2(to, O_CLOEXEC) == 0);
    REQUIRE(pipe2(from, O_CLOEXEC) == 0);
    std::vector<char*> words;
    for (const std::string& word : command)
      words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string log = folder / "stderr";
    process_ = fork();
    if (process_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      dup2(open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600), STDERR_FILENO);
      execvp(words[0], words.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    input_ = to[1];
    output_ = fdopen(from[0], "r");
  }
  ~ServerProcess() {
    Kill();
    close(input_);
    std::fclose(output_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // The rest of the next line that has `words`; fails the test if the program ends before.
  std::string WaitFor(const std::string& words) {
    char line[4096] = {};
    while (std::fgets(line, sizeof(line), output_) != nullptr) {
      const std::string text = line;
      const std::size_t found = text.find(words);
      if (found != text.npos) {
        const std::size_t from = found + words.size();
        return text.substr(from, text.find_last_not_of('\n') + 1 - from);
      }
    }
    FAIL("the server has ended before it said '" << words << "'");
    return {};
  }

  void Say(const std::string& line) {
    const std::string text = line + "\n";
    REQUIRE(write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  void Signal(int signal) { kill(process_, signal); }

  void Kill() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  std::FILE* output_ = nullptr;
};

// Where a program is that PATH leads to; empty if it is nowhere.
inline std::string FindProgram(const std::string& name, const std::string& more_folders = "") {
  const char* path = std::getenv("PATH");
  std::string folders = std::string(path == nullptr ? "" : path) + ":" + more_folders + ":";
  for (std::size_t end = folders.find(':'); end != folders.npos; end = folders.find(':')) {
    const std::string file = folders.substr(0, end) + "/" + name;
    if (access(file.c_str(), X_OK) == 0) return file;
    folders.erase(0, end + 1);
  }
  return {};
}

}  // namespace livy
