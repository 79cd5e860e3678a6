#pragma once

/// What the tests in the lab share: a lab each, skipped where none can be, its logs shown on
/// failure.

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tools/lab/cell.h"
#include "tools/lab/lab.h"

namespace kadwire::lab {

/// The value, or the end of the test: for steps that are not what the test is about.
template <typename T>
T must(Expected<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class LabTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = lab_obstacle()) GTEST_SKIP() << *obstacle;
    lab_ = must(Lab::create());
  }

  void TearDown() override {
    if (HasFailure() && lab_) std::cerr << lab_->logs();
  }

  Lab& lab() { return *lab_; }
  /// Ends the lab and makes a new one.
  void reset_lab() {
    lab_.reset();
    lab_ = must(Lab::create());
  }

 private:
  std::unique_ptr<Lab> lab_;
};

}  // namespace kadwire::lab
