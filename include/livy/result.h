// Result<T>: a value, or the Error that took its place.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include <livy/error.h>

namespace livy {

// Thrown by Result::value() when there is none, for callers who prefer exceptions. Nothing in
// liblivy calls value().
class BadResultAccess : public std::exception {
 public:
  explicit BadResultAccess(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

// Accessors are named and behave as those of C++23's std::expected. Reading the value with * or ->
// when there is none, or error() when there is none, is a defect of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  // From anything that makes a T, so that `return "text";` works for Result<std::string>.
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  // Throws BadResultAccess if there is no value.
  T& value() & { return has_value() ? **this : throw BadResultAccess(error()); }
  const T& value() const& { return has_value() ? **this : throw BadResultAccess(error()); }
  T&& value() && {
    return has_value() ? std::get<0>(std::move(state_)) : throw BadResultAccess(error());
  }

  template <typename U>
  T value_or(U&& otherwise) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(otherwise));
  }

 private:
  std::variant<T, Error> state_;
};

// The result of a call that has nothing to return.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const& { return std::get<1>(state_); }

  // Throws BadResultAccess after a failure.
  void value() const {
    if (!has_value()) throw BadResultAccess(error());
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace livy
