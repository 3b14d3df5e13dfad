#include "http/compression.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <zlib.h>

#include "core/number.h"
#include "http/field_text.h"

namespace livy::internal {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipBits = 16;         // Added to the window bits: gzip's frame, not zlib's.
constexpr int kCompressionLevel = 5;  // Half the time of 6 for 2 % more bytes on JSON.
constexpr std::size_t kDecodeStepBytes = 65536;

// "0.8" to 800; what is not a number counts as 1.
int ParseThousandths(std::string_view text) {
  return static_cast<int>(std::clamp(ParseNumber<double>(text).value_or(1), 0.0, 1.0) * 1000);
}

int Quality(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view parameter = TrimField(parameters.substr(0, end));
    if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
        parameter[1] == '=') {
      return ParseThousandths(parameter.substr(2));
    }
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
  }
  return 1000;
}

// A deflater that is kept for the thread's next answer: its state is 256 KB, and a reset costs far
// less than setting it up.
class Deflater {
 public:
  explicit Deflater(int window_bits) {
    is_ready_ = deflateInit2(&stream_, kCompressionLevel, Z_DEFLATED, window_bits, 8,
                             Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() {
    if (is_ready_) deflateEnd(&stream_);
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::optional<std::string> Run(std::string_view text) {
    if (!is_ready_ || deflateReset(&stream_) != Z_OK) return std::nullopt;
    std::string out(deflateBound(&stream_, static_cast<uLong>(text.size())), '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return std::nullopt;
    out.resize(out.size() - stream_.avail_out);
    return out;
  }

 private:
  z_stream stream_ = {};
  bool is_ready_ = false;
};

class Inflater {
 public:
  explicit Inflater(int window_bits) { is_ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~Inflater() {
    if (is_ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool is_ready() const { return is_ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_ = {};
  bool is_ready_ = false;
};

// "deflate" is zlib's format by RFC 9110, and bare deflate in some clients.
int DecodeBits(std::string_view data, ContentCoding coding) {
  if (coding == ContentCoding::kGzip) return kWindowBits + kGzipBits;
  if (data.size() < 2) return kWindowBits;
  const unsigned first = static_cast<unsigned char>(data[0]);
  const unsigned second = static_cast<unsigned char>(data[1]);
  const bool is_zlib = (first & 15) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
  return is_zlib ? kWindowBits : -kWindowBits;
}

}  // namespace

std::string_view ToString(ContentCoding coding) {
  if (coding == ContentCoding::kGzip) return "gzip";
  return coding == ContentCoding::kDeflate ? "deflate" : "";
}

ContentCoding ParseCoding(std::string_view content_encoding) {
  const std::string_view name = TrimField(content_encoding);
  if (EqualsIgnoringCase(name, "gzip") || EqualsIgnoringCase(name, "x-gzip")) {
    return ContentCoding::kGzip;
  }
  return EqualsIgnoringCase(name, "deflate") ? ContentCoding::kDeflate : ContentCoding::kNone;
}

ContentCoding ChooseCoding(std::string_view accept_encoding) {
  ContentCoding best = ContentCoding::kNone;
  int best_quality = 0;
  while (!accept_encoding.empty()) {
    const std::size_t end = accept_encoding.find(',');
    const std::string_view entry = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(end == std::string_view::npos ? accept_encoding.size() : end + 1);
    const std::size_t mark = entry.find(';');
    const ContentCoding coding = ParseCoding(entry.substr(0, mark));
    if (coding == ContentCoding::kNone) continue;
    const int quality = mark == std::string_view::npos ? 1000 : Quality(entry.substr(mark + 1));
    if (quality <= best_quality) continue;
    best = coding;
    best_quality = quality;
  }
  return best;
}

std::optional<std::string> Compress(std::string_view text, ContentCoding coding) {
  static thread_local std::unique_ptr<Deflater> gzip;
  static thread_local std::unique_ptr<Deflater> deflate;
  const bool is_gzip = coding == ContentCoding::kGzip;
  std::unique_ptr<Deflater>& deflater = is_gzip ? gzip : deflate;
  if (!deflater) deflater = std::make_unique<Deflater>(kWindowBits + (is_gzip ? kGzipBits : 0));
  return deflater->Run(text);
}

Result<std::string> Decompress(std::string_view data, ContentCoding coding, std::size_t bytes_max) {
  Inflater inflater(DecodeBits(data, coding));
  if (!inflater.is_ready()) return Error{ErrorCode::kInternal, "zlib has no memory."};
  const Error damaged = {ErrorCode::kInvalidArgument, "The compressed body is damaged."};
  z_stream& stream = inflater.stream();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string text;
  std::string step(std::min(kDecodeStepBytes, bytes_max + 1), '\0');
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(step.data());
    stream.avail_out = static_cast<uInt>(step.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    const std::size_t produced = step.size() - stream.avail_out;
    if (produced > bytes_max - text.size()) {
      return Error{ErrorCode::kResourceExhausted, "The decoded body is too large."};
    }
    text.append(step.data(), produced);
    if (status == Z_STREAM_END) {
      // A gzip body may consist of several members.
      if (coding != ContentCoding::kGzip || stream.avail_in == 0) return text;
      if (inflateReset(&stream) != Z_OK) return damaged;
      continue;
    }
    if (status != Z_OK || (produced == 0 && stream.avail_in == 0)) return damaged;
  }
}

}  // namespace livy::internal
