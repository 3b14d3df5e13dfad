#include <livy/access_manager.h>

namespace livy {
namespace {

class OpenAccessManager : public AccessManager {
 public:
  bool MayUse(const User&) const override { return true; }
  bool MayView(const User&, const Ownership&) const override { return true; }
  bool MayModify(const User&, const Ownership&) const override { return true; }
  Result<User> ProxyUser(const User&, const User&) const override { return User(); }
};

}  // namespace

std::unique_ptr<AccessManager> MakeOpenAccessManager() {
  return std::make_unique<OpenAccessManager>();
}

}  // namespace livy
