// For builds without the library of ZooKeeper.
#include <livy/store.h>

namespace livy {

Result<std::unique_ptr<Store>> OpenZooKeeperStore(const ZooKeeperStoreOptions&, LogSink&) {
  return Error{ErrorCode::kInvalidArgument, "This build of liblivy cannot use ZooKeeper."};
}

}  // namespace livy
