// A header-only "httplib" of somebody else's: the names of cpp-httplib's classes, and none of their
// layouts. Its functions are weak symbols of the program that includes it.
#pragma once

#include <string>

#define FOREIGN [[gnu::noinline]]

namespace httplib {

struct Request {
  FOREIGN Request() : mark("request") {}
  FOREIGN ~Request() { mark.clear(); }
  std::string mark;
};

struct Response {
  FOREIGN Response() : mark("response") {}
  FOREIGN ~Response() { mark.clear(); }
  std::string mark;
};

class Stream {
 public:
  FOREIGN virtual ~Stream() = default;
  FOREIGN virtual int write(const char*, unsigned long) { return 1; }
};

class Server {
 public:
  FOREIGN Server() : port_(1) {}
  FOREIGN virtual ~Server() { port_ = 0; }
  FOREIGN virtual bool is_valid() const { return port_ == 1; }
  FOREIGN virtual std::string name() { return "server"; }

 private:
  int port_;
};

class ClientImpl {
 public:
  FOREIGN explicit ClientImpl(const std::string& host) : host_(host) {}
  FOREIGN ClientImpl(const std::string& host, int) : host_(host) {}
  FOREIGN virtual ~ClientImpl() { host_.clear(); }
  FOREIGN virtual bool is_valid() const { return !host_.empty(); }
  FOREIGN virtual std::string name() { return "client of " + host_; }

 private:
  std::string host_;
};

class Client : public ClientImpl {
 public:
  FOREIGN explicit Client(const std::string& host) : ClientImpl(host, 0) {}
};

}  // namespace httplib
