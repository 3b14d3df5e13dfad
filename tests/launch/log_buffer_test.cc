#include "launch/log_buffer.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "launch/line_buffer.h"

namespace livy::internal {
namespace {

using Lines = std::vector<std::string>;

Lines Split(const std::vector<std::string_view>& pieces, std::size_t line_bytes_max = 100) {
  Lines lines;
  const LineBuffer::Sink sink = [&](std::string line) { lines.push_back(std::move(line)); };
  LineBuffer buffer(line_bytes_max);
  for (const std::string_view piece : pieces)
    buffer.Append(piece, sink);
  buffer.Finish(sink);
  return lines;
}

TEST_CASE("bytes become lines, however they arrive") {
  CHECK(Split({}) == Lines{});
  CHECK(Split({""}) == Lines{});
  CHECK(Split({"\n"}) == Lines{""});
  CHECK(Split({"a\nb\n"}) == Lines{"a", "b"});
  CHECK(Split({"a", "b", "\n", "c"}) == Lines{"ab", "c"});
  CHECK(Split({"a\r\nb\rc\n\n"}) == Lines{"a", "b", "c", ""});
  CHECK(Split({"a\r", "\nb\r", "c"}) == Lines{"a", "b", "c"});
  CHECK(Split({"a\n\r\n"}) == Lines{"a", ""});
  CHECK(Split({std::string_view("\0\xff\n", 3)}) == Lines{std::string("\0\xff", 2)});
}

TEST_CASE("a line that is too long is cut, and the next one is whole") {
  CHECK(Split({"123456\n12345\nab"}, 5) == Lines{"12345", "12345", "ab"});
  CHECK(Split({"123", "456", "789\nabc\n"}, 5) == Lines{"12345", "abc"});
}

TEST_CASE("an application without output has the two headers") {
  const LogPage page = LogBuffer(200).Page(0, -1);
  CHECK(page.from == 0);
  CHECK(page.total == 2);
  CHECK(page.lines == Lines{"stdout: ", "\nstderr: "});
}

TEST_CASE("a page is cut out of both streams and their headers") {
  LogBuffer buffer(200);
  buffer.Add(OutputStream::kErr, "e1");
  buffer.Add(OutputStream::kOut, "o1");
  buffer.Add(OutputStream::kOut, "o2");
  const Lines all = {"stdout: ", "o1", "o2", "\nstderr: ", "e1"};

  struct Row {
    int from;
    int size;
    int effective;
    Lines lines;
  };
  const Row rows[] = {
      {0, 100, 0, all},
      {0, -1, 0, all},
      {-1, -1, 0, all},
      {-1, 100, 0, all},
      {-1, 2, 3, {"\nstderr: ", "e1"}},
      {-7, 3, 2, {"o2", "\nstderr: ", "e1"}},
      {-1, 0, 5, {}},
      {1, 2, 1, {"o1", "o2"}},
      {1, 0, 1, {}},
      {4, 100, 4, {"e1"}},
      {2, -5, 2, {"o2", "\nstderr: ", "e1"}},
      {5, 10, 5, {}},
      {99, 10, 99, {}},
      {2147483647, 2147483647, 2147483647, {}},
      {-2147483647, 2147483647, 0, all},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from);
    CAPTURE(row.size);
    const LogPage page = buffer.Page(row.from, row.size);
    CHECK(page.from == row.effective);
    CHECK(page.total == 5);
    CHECK(page.lines == row.lines);
  }
}

TEST_CASE("each stream keeps its last lines") {
  LogBuffer buffer(2);
  for (const char* line : {"1", "2", "3"})
    buffer.Add(OutputStream::kOut, line);
  buffer.Add(OutputStream::kErr, "e");
  CHECK(buffer.Page(0, -1).lines == Lines{"stdout: ", "2", "3", "\nstderr: ", "e"});
  LogBuffer none(0);
  none.Add(OutputStream::kOut, "1");
  CHECK(none.Page(0, -1).total == 2);
}

TEST_CASE(
    "where the driver's log is known it is the first stream, and what else was written the "
    "second") {
  LogBuffer log(2);
  log.SetDriverLog({});
  log.Add(OutputStream::kOut, "submitting");
  log.Add(OutputStream::kErr, "submitted");
  CHECK(log.Page(0, -1).lines == Lines{"stdout: ", "\nstderr: ", "submitting", "submitted"});
  log.SetDriverLog({"one", "two", "three"});
  log.SetDiagnostics("diagnostics: ", {"pod"});
  const LogPage page = log.Page(0, -1);
  CHECK(page.lines == Lines{"stdout: ", "two", "three", "\nstderr: ", "submitting", "submitted",
                            "diagnostics: ", "pod"});
  CHECK(page.total == 8);
  CHECK(log.Page(4, 2).lines == Lines{"submitting", "submitted"});
}

TEST_CASE("a driver's log that is told beside the streams stands at the end of the second") {
  LogBuffer log(2);
  log.Add(OutputStream::kOut, "submitting");
  log.Add(OutputStream::kErr, "submitted");
  log.SetDriverTail({"one", "two", "three"});
  const LogPage page = log.Page(0, -1);
  CHECK(page.lines == Lines{"stdout: ", "submitting", "\nstderr: ", "submitted", "two", "three"});
  CHECK(page.total == 6);
  log.SetDiagnostics("diagnostics: ", {"more"});
  CHECK(log.Page(5, 3).lines == Lines{"three", "diagnostics: ", "more"});
}

}  // namespace
}  // namespace livy::internal
