// ClusterHttp: requests to a cluster manager, of which there may be several that stand in for one
// another.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <livy/connection.h>
#include <livy/http.h>
#include <livy/result.h>

#include "http/interrupt.h"

namespace livy::internal {

// PEM files for https, as HttpConnectionOptions has them. They may be replaced by others: they are
// read again after a connection has failed.
struct ClusterFiles {
  std::string authorities = {};
  std::string certificate = {};
  std::string key = {};
};

// One thread at a time, but for BreakOff().
class ClusterHttp {
 public:
  // `urls`: of all that may be asked, at least one. A request may take `timeout` with each.
  ClusterHttp(std::vector<std::string> urls, std::chrono::milliseconds timeout,
              ClusterFiles files = {});

  // Whether one that has answered is in charge, and not on standby.
  using InCharge = std::function<bool(const HttpResponse& answer)>;

  // The answer of the one that answered last, else of the first other that is in charge: unless
  // `in_charge` says otherwise, that is a status from 200 to 299. Fails with
  // kUnavailable and what the last one said; with kPermissionDenied or kNotFound if one has
  // understood and refused.
  Result<HttpResponse> Send(const HttpRequest& request, const InCharge& in_charge = IsFine);

  static bool IsFine(const HttpResponse& answer) {
    return answer.status >= 200 && answer.status < 300;
  }

  // From any thread: a request in progress, and all later ones, fail at once.
  void BreakOff() { interrupt_.Raise(); }

  // For requests to others that BreakOff() is to end, too.
  const Interrupt& interrupt() const { return interrupt_; }

  // The one that answered last.
  const std::string& url() const { return urls_[current_]; }

 private:
  Result<HttpResponse> SendTo(std::size_t index, const HttpRequest& request,
                              const InCharge& in_charge);

  const std::vector<std::string> urls_;
  const std::chrono::milliseconds timeout_;
  const ClusterFiles files_;
  Interrupt interrupt_ = {};
  std::vector<std::shared_ptr<Connection>> connections_;  // Null until they are needed.
  std::size_t current_ = 0;
};

}  // namespace livy::internal
