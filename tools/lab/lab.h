#pragma once

/// An internet of one machine: hosts around one core router, each at the end of a cable.
///
///   host1 ──cable── ┐
///   host2 ──cable── core (the cell's own network; forwards IPv4 and IPv6)
///   host3 ──cable── ┘
///
/// To be used inside a cell (cell.h), by a program with one thread.

#include <filesystem>
#include <memory>
#include <vector>

#include "tools/lab/host.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

class Lab {
 public:
  /// Makes the core. One at a time in a cell.
  [[nodiscard]] static Expected<std::unique_ptr<Lab>> create();
  /// Ends every process of every host.
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// Builds the next host; the first is number 1. Lives as long as the lab.
  [[nodiscard]] Expected<Host*> add_host(HostOptions options);
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  /// What every program of every host printed; for a failure's report.
  [[nodiscard]] std::string logs() const;

 private:
  explicit Lab(std::filesystem::path folder);
  std::filesystem::path folder_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace kadwire::lab
