// The client's tests open no connection, and so link no HTTP library.
#include <livy/connection.h>

namespace livy {

Result<std::shared_ptr<Connection>> MakeHttpConnection(const HttpConnectionOptions& options) {
  return Error{ErrorCode::kInvalidArgument, "No connection to " + options.url + " in this test."};
}

}  // namespace livy
