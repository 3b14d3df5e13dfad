// Starting a child process.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include <livy/result.h>

#include "files/descriptor.h"

namespace livy::internal {

struct SpawnRequest {
  std::vector<std::string> command = {};  // The program's path, then its arguments.
  // Variables that replace those of the same name in our own environment, or are added to it.
  std::map<std::string, std::string> environment = {};
  // Whether its standard error goes where its standard output goes, in the order of writing.
  bool merges_output = false;
};

// A child that was started and not yet reaped, or was adopted. The reading ends do not block.
struct ChildProcess {
  pid_t pid = -1;           // Of the child and of its process group.
  Descriptor handle = {};   // A pidfd: readable once the child has ended.
  Descriptor out = {};      // What it writes to its standard output. Not open if it is adopted.
  Descriptor err = {};      // So for this; not open either if it goes with the other.
  bool is_adopted = false;  // Nobody can reap it but its parent, which is not this process.
};

// What a program finds under that name if it is started with these in SpawnRequest::environment;
// empty if it is not set: Spark's scripts take an empty variable for an unset one, too.
std::string VariableFor(const std::string& name,
                        const std::map<std::string, std::string>& environment = {});

// Starts a program in a process group of its own, with an empty standard input, with default
// signals, and with none of our open files. Fails with kUnavailable if it cannot be started; a
// program that is missing is such a failure and not a child that ends.
Result<ChildProcess> Spawn(const SpawnRequest& request);

// What tells a running process from all others, also from later ones with its number: the number,
// when it began, and which run of the machine that was. Empty if there is none.
std::string IdentityOf(pid_t process);

// The process that has, or had, that identity, with its group. Fails with kNotFound if it has
// ended; with kInvalidArgument if the text is no identity.
Result<ChildProcess> AdoptProcess(const std::string& identity);

// What that process was started with, each argument with a zero byte behind it; empty if there is
// none, or we may not look into it.
std::string CommandLineOf(pid_t process);

// The numbers of all processes that there are.
std::vector<pid_t> AllProcesses();

// The leader of a process group in whose environment `name` is `value`, its identity; empty if
// there is none that we may look into.
std::string FindProcess(std::string_view name, std::string_view value);

// A pidfd of a process; not open, with errno saying why, if there is none of that number.
Descriptor OpenProcess(pid_t process);

}  // namespace livy::internal
