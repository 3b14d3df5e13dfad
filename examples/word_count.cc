// Counts the words of a text with Spark, and tells how long each step takes:
//
//   word_count http://127.0.0.1:8998 examples/data/alice.txt
//
// The driver reads the text, so the path must be one that it can see. Errors are exceptions here:
// value() throws. The other example handles them as values.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include <livy/client.h>

namespace {

class Stopwatch {
 public:
  void Lap(const char* step) {
    const livy::Clock::TimePoint now = clock_->Now();
    std::printf("%-16s %7.3f s\n", step, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  std::unique_ptr<livy::Clock> clock_ = livy::MakeSystemClock();
  livy::Clock::TimePoint last_ = clock_->Now();
};

// A session outlives its handles. This ends it with the scope, whatever happens there.
struct SessionScope {
  ~SessionScope() { (void)session.Delete(); }
  const livy::SessionHandle session;
};

// What runs in the driver, after a line that sets `path`.
constexpr const char* kCode = R"(
import re
lines = spark.read.text(path).rdd.map(lambda row: row[0].lower())
words = lines.flatMap(lambda line: re.findall("[a-z]+(?:'[a-z]+)?", line))
counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
for word, count in counts.takeOrdered(10, key=lambda pair: (-pair[1], pair[0])):
    print("%6d  %s" % (count, word))
)";

void CountWords(const std::string& url, const std::string& file) {
  Stopwatch watch;
  const livy::LivyClient client = livy::LivyClient::Create({.http = {.url = url}}).value();
  const SessionScope scope{client.CreateSession({.kind = livy::Kind::kPySpark}).value()};
  watch.Lap("session created");

  scope.session.WaitUntilIdle(std::chrono::minutes(5)).value();
  watch.Lap("session idle");

  const std::string path = "file://" + std::filesystem::absolute(file).string();
  const std::string code = "path = r'''" + path + "'''" + kCode;
  const livy::JobHandle job = scope.session.Submit({.code = code}).value();
  watch.Lap("code submitted");

  const livy::Statement statement = job.Wait(std::chrono::minutes(5)).value();
  watch.Lap("words counted");

  // Code that fails is a result like any other: its output says so.
  const livy::StatementOutput output = statement.output.value_or(livy::StatementOutput{});
  std::printf("%s\n", output.ok ? output.text().c_str() : "");
  if (!output.ok)
    throw livy::BadResultAccess({livy::ErrorCode::kInternal, output.ename + ": " + output.evalue});
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw livy::BadResultAccess({.message = "usage: word_count URL FILE"});
  CountWords(argv[1], argv[2]);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "word_count: %s\n", failure.what());
  return 1;
}
