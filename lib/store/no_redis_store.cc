// For builds without hiredis.
#include <livy/store.h>

namespace livy {

Result<std::unique_ptr<Store>> OpenRedisStore(const RedisStoreOptions&, LogSink&) {
  return Error{ErrorCode::kInvalidArgument, "This build of liblivy cannot use Redis."};
}

}  // namespace livy
