// The shortest way to a result: a session, one statement, and the end of the session.
//
//   first_session http://127.0.0.1:8998
//
// Errors are exceptions here: value() throws.
#include <chrono>
#include <cstdio>

#include <livy/client.h>

int main(int argc, char** argv) try {
  const char* url = argc > 1 ? argv[1] : "http://127.0.0.1:8998";

  const auto client = livy::LivyClient::Create({.http = {.url = url}}).value();
  const auto session = client.CreateSession({.kind = livy::Kind::kPySpark}).value();
  session.WaitUntilIdle(std::chrono::minutes(5)).value();

  const auto job = session.Submit({.code = "spark.range(101).groupBy().sum().show()"}).value();
  const livy::Statement statement = job.Wait(std::chrono::minutes(5)).value();
  std::printf("%s\n", statement.output->text().c_str());

  session.Delete().value();
} catch (const std::exception& failure) {
  std::fprintf(stderr, "first_session: %s\n", failure.what());
  return 1;
}
