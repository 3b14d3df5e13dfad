// Estimates pi with Spark, in several statements that are queued at once and watched one by one:
//
//   pi http://127.0.0.1:8998
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <livy/client.h>

namespace {

constexpr int kStatements = 5;
constexpr long kPointsEach = 8'000'000;  // In eight tasks, each with its own random numbers.

// Counts points of a square that are within a circle.
std::string Code(int seed) {
  return "println(sc.parallelize(1 to 8, 8).map { task =>\n"
         "  val random = new scala.util.Random(task + 100 * " +
         std::to_string(seed) +
         ")\n"
         "  Iterator.fill(1000000)(math.hypot(random.nextDouble, random.nextDouble)).count(_ < 1)\n"
         "}.sum.toLong)";
}

// Waits for a statement, showing its progress twice a second, and returns what it counted.
livy::Result<long> Watch(const livy::JobHandle& job) {
  livy::Result<livy::Statement> statement = job.Wait(std::chrono::milliseconds(500));
  while (!statement && statement.error().code == livy::ErrorCode::kDeadlineExceeded) {
    const livy::Result<livy::Statement> now = job.Fetch();
    if (now) std::printf("statement %d: %3.0f %%\n", job.id(), 100 * now->progress);
    statement = job.Wait(std::chrono::milliseconds(500));
  }
  if (!statement) return statement.error();
  if (statement->output && statement->output->ok)
    return std::atol(statement->output->text().c_str());
  return livy::Error{.message = statement->output ? statement->output->evalue : "Cancelled."};
}

livy::Result<double> Estimate(const livy::SessionHandle& session) {
  const livy::Result<livy::Session> idle = session.WaitUntilIdle(std::chrono::minutes(5));
  if (!idle) return idle.error();

  std::vector<livy::JobHandle> jobs;
  for (int seed = 1; seed <= kStatements; ++seed) {
    const livy::Result<livy::JobHandle> job = session.Submit({.code = Code(seed)});
    if (!job) return job.error();
    jobs.push_back(*job);
  }
  long within = 0;
  for (const livy::JobHandle& job : jobs) {
    const livy::Result<long> counted = Watch(job);
    if (!counted) return counted.error();
    within += *counted;
    std::printf("statement %d: %ld of %ld points\n", job.id(), *counted, kPointsEach);
  }
  return 4.0 * static_cast<double>(within) / static_cast<double>(kStatements * kPointsEach);
}

int Fail(const livy::Error& error) {
  std::fprintf(stderr, "pi: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto client =
      livy::LivyClient::Create({.http = {.url = argc > 1 ? argv[1] : "http://127.0.0.1:8998"}});
  if (!client) return Fail(client.error());
  const auto session = client->CreateSession({.kind = livy::Kind::kSpark});
  if (!session) return Fail(session.error());

  const livy::Result<double> pi = Estimate(*session);
  const livy::Result<void> deleted = session->Delete();  // Handles that end would leave it running.
  if (!pi || !deleted) return Fail(pi ? deleted.error() : pi.error());
  std::printf("pi is about %.5f\n", *pi);
}
