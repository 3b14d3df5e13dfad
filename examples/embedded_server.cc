// A program that is server and client at once:
//
//   SPARK_HOME=/opt/spark embedded_server
//
// It serves Apache Livy's REST interface for others while it runs, and uses it itself without a
// socket. Errors are values here.
#include <chrono>
#include <cstdio>

#include <livy/livy.h>

namespace {

int Fail(const livy::Error& error) {
  std::fprintf(stderr, "embedded_server: %s\n", error.message.c_str());
  return 1;
}

int Run() {
  livy::Result<std::unique_ptr<livy::LivyServer>> server =
      livy::LivyServer::Create({.port = 0, .spark = {.master = "local[2]"}});
  if (!server) return Fail(server.error());
  std::printf("serving at %s\n", (*server)->url().c_str());

  const auto client = livy::LivyClient::Create({.connection = (*server)->Connect()});
  if (!client) return Fail(client.error());
  const auto session = client->CreateSession({.kind = livy::Kind::kSql, .name = "embedded"});
  if (!session) return Fail(session.error());
  const auto idle = session->WaitUntilIdle(std::chrono::minutes(5));
  if (!idle) return Fail(idle.error());

  const auto job = session->Submit({.code = "select sum(id) as total from range(101)"});
  if (!job) return Fail(job.error());
  const auto statement = job->Wait(std::chrono::minutes(1));
  if (!statement) return Fail(statement.error());
  std::printf("%s\n", statement->output->json().value_or(statement->output->evalue).c_str());
  return 0;  // The server ends here, with its sessions and their drivers.
}

}  // namespace

int main() {
  return Run();
}
