// Runs a program once, as a batch, and shows what it writes while it runs:
//
//   batch http://127.0.0.1:8998 examples/data/pi.py 10
//   batch http://127.0.0.1:8998 --class com.example.Pi /jobs/pi.jar 10
//
// A local file must be in a directory of the server's livy.file.local-dir-whitelist.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <livy/client.h>

namespace {

livy::BatchRequest Request(std::vector<std::string> words) {
  livy::BatchRequest request;
  if (words.size() > 2 && words[0] == "--class") {
    request.class_name = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  // A server knows nothing of this program's directory.
  const bool is_uri = words[0].find("://") != std::string::npos;
  request.file = is_uri ? words[0] : std::filesystem::absolute(words[0]).string();
  request.args.assign(words.begin() + 1, words.end());
  return request;
}

// Shows what the batch writes until it has ended.
livy::Result<void> ShowOutput(const livy::BatchHandle& batch) {
  livy::OutputPage page;
  while (!page.ended || page.next < page.end) {
    const livy::Result<livy::OutputPage> more = batch.Output(page.next, std::chrono::minutes(1));
    if (!more) return more.error();
    page = *more;
    std::printf("%s", page.text.c_str());
  }
  return {};
}

livy::Result<livy::Batch> Run(const livy::LivyClient& client, const livy::BatchRequest& request) {
  const livy::Result<livy::BatchHandle> batch = client.SubmitBatch(request);
  if (!batch) return batch.error();
  std::printf("batch %d\n", batch->id());
  const livy::Result<void> shown = ShowOutput(*batch);
  if (!shown) std::printf("its output is not shown: %s\n", shown.error().message.c_str());
  return batch->Wait(std::chrono::minutes(10));
}

int Fail(std::string_view message) {
  std::fprintf(stderr, "batch: %.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return Fail("usage: batch URL [--class CLASS] FILE [ARGUMENT...]");
  const auto client = livy::LivyClient::Create({.http = {.url = argv[1]}});
  if (!client) return Fail(client.error().message);
  const livy::Result<livy::Batch> batch = Run(*client, Request({argv + 2, argv + argc}));
  if (!batch) return Fail(batch.error().message);
  std::printf("%s\n", livy::ToString(batch->state).data());
  if (batch->state == livy::SessionState::kSuccess) return 0;
  return Fail(batch->end_reason.value_or("The server does not say why."));
}
