#include "launch/process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/number.h"

extern char** environ;

namespace livy::internal {
namespace {

struct Pipe {
  Descriptor read = {};
  Descriptor write = {};
};

Error CannotStart(const std::string& program, int code) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("Cannot start '{}': {}.", program, std::strerror(code))};
}

// A host may have closed its standard descriptors; a pipe that took their place would be
// overwritten while the child's are set up.
bool MoveAboveStandard(Descriptor& descriptor) {
  if (descriptor.get() > STDERR_FILENO) return true;
  descriptor = Descriptor(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  return descriptor.is_open();
}

// Unset, with errno saying why, if there are no descriptors left.
bool OpenPipe(Pipe& pipe) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe.read = Descriptor(ends[0]);
  pipe.write = Descriptor(ends[1]);
  if (!MoveAboveStandard(pipe.read) || !MoveAboveStandard(pipe.write)) return false;
  // The child's end keeps blocking: the flag belongs to one end only.
  return fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) == 0;
}

// "NAME=value" for each variable of ours, with `changes` made.
std::vector<std::string> Environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!changes.contains(std::string(text.substr(0, text.find('=')))))
      variables.emplace_back(text);
  }
  for (const auto& [name, value] : changes)
    variables.push_back(name + '=' + value);
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What posix_spawn() does in the child. Its functions fail for want of memory only.
class SpawnSettings {
 public:
  SpawnSettings(const Descriptor& out, const Descriptor& err) {
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);

    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err.get(), STDERR_FILENO);
    // Not everything in the host's process is opened with O_CLOEXEC.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_ = {};
  posix_spawn_file_actions_t actions_ = {};
};

std::string ReadText(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace

std::string VariableFor(const std::string& name,
                        const std::map<std::string, std::string>& environment) {
  const auto found = environment.find(name);
  if (found != environment.end()) return found->second;
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

Result<ChildProcess> Spawn(const SpawnRequest& request) {
  const std::string& program = request.command.front();
  Pipe out;
  Pipe err;
  if (!OpenPipe(out)) return CannotStart(program, errno);
  if (!request.merges_output && !OpenPipe(err)) return CannotStart(program, errno);

  std::vector<std::string> command = request.command;
  std::vector<std::string> environment = Environment(request.environment);
  const SpawnSettings settings(out.write, request.merges_output ? out.write : err.write);
  ChildProcess child;
  const int code =
      posix_spawn(&child.pid, program.c_str(), settings.actions(), settings.attributes(),
                  Pointers(command).data(), Pointers(environment).data());
  if (code != 0) return CannotStart(program, code);

  child.handle = OpenProcess(child.pid);
  if (!child.handle.is_open()) {
    const int reason = errno;
    // Without such a process, the host reaps by itself, and the number may be another's by now.
    if (reason != ESRCH) {
      kill(-child.pid, SIGKILL);
      waitpid(child.pid, nullptr, 0);
    }
    return CannotStart(program, reason);
  }
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  return child;
}

std::string IdentityOf(pid_t process) {
  std::ifstream stat(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(stat, line);
  // The name, in parentheses, may have blanks and parentheses. The state is what follows it, and 19
  // fields further is the time since the machine's start: proc(5).
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
  std::string state;
  fields >> state;
  std::string field;
  for (int number = 0; number < 19; ++number)
    fields >> field;
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::string run;
  boot >> run;
  if (!fields || !boot || state == "Z" || state == "X") return "";  // Z, X: it has ended.
  return fmt::format("{} {} {}", process, field, run);
}

Result<ChildProcess> AdoptProcess(const std::string& identity) {
  pid_t pid = 0;
  const char* end = identity.data() + identity.size();
  const auto parsed = std::from_chars(identity.data(), end, pid);
  if (parsed.ec != std::errc() || pid <= 1 || parsed.ptr == end || *parsed.ptr != ' ') {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is no process.", identity)};
  }
  ChildProcess child = {.pid = pid, .handle = OpenProcess(pid), .is_adopted = true};
  // Compared after the descriptor was opened, which keeps to one process from then on.
  if (!child.handle.is_open() || IdentityOf(pid) != identity) {
    return Error{ErrorCode::kNotFound, fmt::format("The process {} has ended.", pid)};
  }
  return child;
}

std::string CommandLineOf(pid_t process) {
  return ReadText(fmt::format("/proc/{}/cmdline", process));
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> processes;
  std::error_code failure;
  std::filesystem::directory_iterator entry("/proc", failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    const std::string number = entry->path().filename().string();
    if (const std::optional<pid_t> pid = ParseNumber<pid_t>(number)) processes.push_back(*pid);
  }
  return processes;
}

std::string FindProcess(std::string_view name, std::string_view value) {
  // A zero byte in front, so that no variable is found whose name only ends in this one.
  const std::string variable = '\0' + fmt::format("{}={}", name, value) + '\0';
  for (const pid_t pid : AllProcesses()) {
    if (getpgid(pid) != pid) continue;
    const std::string variables = '\0' + ReadText(fmt::format("/proc/{}/environ", pid));
    if (variables.find(variable) != variables.npos) return IdentityOf(pid);
  }
  return "";
}

// By number, because the header of glibc 2.36 declares pidfd_open() as if it were C++.
Descriptor OpenProcess(pid_t process) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

}  // namespace livy::internal
