// Writes to a store for ever, and tells on standard output what was acknowledged: one line a
// transaction, with its number. A test kills it.
#include <cstdio>
#include <string>
#include <unistd.h>

#include <livy/store.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const livy::Result<std::unique_ptr<livy::Store>> store = std::string(argv[1]) == "sqlite"
                                                               ? livy::OpenSqliteStore(argv[2])
                                                               : livy::OpenFileStore(argv[2]);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  for (int number = 0;; ++number) {
    const std::string text = std::to_string(number);
    // Large enough that the write-ahead log is copied back into the file every few hundred times.
    const std::string value = text + std::string(6000, 'x');
    if (!(*store)->Apply({{"a/" + text, value}, {"b/" + text, value}, {"last", text}})) return 1;
    const std::string line = text + "\n";
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return 0;
  }
}
