// Runs a fuzz target over the files of a folder, and over what small changes make of them, where
// there is no libFuzzer. Takes the folder as its only argument.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kChangesPerFile = 20000;

void Run(const std::string& input) {
  // A copy of the exact size, so that AddressSanitizer sees the first byte beyond it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string Change(std::string text, std::mt19937& random) {
  static constexpr char kOddBytes[] = "\r\n\0 :%;,\"\\{}[]\xff\xc3\x7f/?9-";
  for (int changes = static_cast<int>(random() % 4); changes >= 0 && !text.empty(); --changes) {
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = kOddBytes[random() % (sizeof(kOddBytes) - 1)];
        break;
      case 1:
        text.insert(at, 1, kOddBytes[random() % (sizeof(kOddBytes) - 1)]);
        break;
      case 2:
        text.erase(at, 1 + random() % 8);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 64));
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::mt19937 random(1);  // The same inputs in every run.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Run(text);
    for (int i = 0; i < kChangesPerFile; ++i)
      Run(Change(text, random));
    ++files;
  }
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
