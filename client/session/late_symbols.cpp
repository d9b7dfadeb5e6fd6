// SPDX-License-Identifier: GPL-2.0-or-later
// late_symbols: see late_symbols.hpp.
#include "session/late_symbols.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.hpp"
#include "session/payload.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kSymbol = "qSymbol:";
constexpr unsigned kMostQuestions = 500;  // of a target that would ask for ever

// What gdbserver asks for first, of its own (tracepoint.cc), and libthread_db to begin with (td_ta_new()).
constexpr std::string_view kTracingLibrary = "gdb_agent_gdb_tp_heap_buffer";
constexpr std::string_view kCLibrary = "__nptl_version";
constexpr std::string_view kOldCLibrary = "nptl_version";  // before glibc 2.34

// What libthread_db of glibc 2.36 asks for (nptl_db/db_info.c, structs.def), and of those before 2.34.
constexpr std::array kNames{
    "_thread_db_sizeof_pthread",
    "_thread_db_pthread_list",
    "_thread_db_pthread_report_events",
    "_thread_db_pthread_tid",
    "_thread_db_pthread_start_routine",
    "_thread_db_pthread_cancelhandling",
    "_thread_db_pthread_schedpolicy",
    "_thread_db_pthread_schedparam_sched_priority",
    "_thread_db_pthread_specific",
    "_thread_db_pthread_eventbuf",
    "_thread_db_pthread_eventbuf_eventmask",
    "_thread_db_pthread_eventbuf_eventmask_event_bits",
    "_thread_db_pthread_nextevent",
    "_thread_db_sizeof_list_t",
    "_thread_db_list_t_next",
    "_thread_db_list_t_prev",
    "_thread_db_sizeof_td_thr_events_t",
    "_thread_db_td_thr_events_t_event_bits",
    "_thread_db_sizeof_td_eventbuf_t",
    "_thread_db_td_eventbuf_t_eventnum",
    "_thread_db_td_eventbuf_t_eventdata",
    "__nptl_create_event",
    "__nptl_death_event",
    "__nptl_threads_events",
    "__nptl_nthreads",
    "_thread_db___nptl_nthreads",
    "__nptl_last_event",
    "_thread_db___nptl_last_event",
    "__nptl_initial_report_events",
    "_thread_db___nptl_initial_report_events",
    "__pthread_keys",
    "_thread_db___pthread_keys",
    "_thread_db_sizeof_pthread_key_struct",
    "_thread_db_pthread_key_struct_seq",
    "_thread_db_pthread_key_struct_destr",
    "_thread_db_sizeof_pthread_key_data",
    "_thread_db_pthread_key_data_seq",
    "_thread_db_pthread_key_data_data",
    "_thread_db_sizeof_pthread_key_data_level2",
    "_thread_db_pthread_key_data_level2_data",
    "_thread_db_link_map_l_tls_modid",
    "_thread_db_link_map_l_tls_offset",
    "_thread_db_dtv_dtv",
    "_thread_db_dtv_t_pointer_val",
    "_thread_db_dtv_t_counter",
    "_thread_db_pthread_dtvp",
    "__nptl_rtld_global",
    "_thread_db___nptl_rtld_global",
    "_thread_db_rtld_global__dl_tls_dtv_slotinfo_list",
    "_dl_tls_dtv_slotinfo_list",
    "_thread_db__dl_tls_dtv_slotinfo_list",
    "_thread_db_rtld_global__dl_stack_user",
    "_dl_stack_user",
    "_thread_db__dl_stack_user",
    "_thread_db_rtld_global__dl_stack_used",
    "_dl_stack_used",
    "_thread_db__dl_stack_used",
    "_thread_db_sizeof_dtv_slotinfo_list",
    "_thread_db_dtv_slotinfo_list_len",
    "_thread_db_dtv_slotinfo_list_next",
    "_thread_db_dtv_slotinfo_list_slotinfo",
    "_thread_db_sizeof_dtv_slotinfo",
    "_thread_db_dtv_slotinfo_gen",
    "_thread_db_dtv_slotinfo_map",
    "_thread_db_const_thread_area",
    "_thread_db_register64",
    "_thread_db_register32",
    "_thread_db_register64_thread_area",
    "_thread_db_register32_thread_area",
    "__stack_user",
    "_thread_db___stack_user",
};

// What needs what libthread_db knows, or the library for fast tracepoints.
bool needs_symbols(std::string_view request) {
  return request.starts_with("qGetTLSAddr:") || request.starts_with("QT");
}

}  // namespace

Step LateSymbols::question(std::string_view name) {
  return Step::answer(std::string(kSymbol) + hex_bytes(name));
}

// Asks the debugger for the next name, or ends.
Step LateSymbols::learn(Symbols& symbols) {
  if (at_ == asked_.size()) {
    symbols.state = symbols.told ? State::told : State::untold;
    return Step::answer("OK");
  }
  return question(asked_[at_]);
}

Step LateSymbols::on_request(std::string_view request) {
  auto& symbols = processes_[process_];
  if (needs_symbols(request) && symbols.state == State::untold) {
    symbols.state = State::telling;
    questions_ = 0;
    return Step::ask("qSymbol::");
  }
  if (!request.starts_with(kSymbol) || symbols.state == State::through) return Step::pass();
  if (request == "qSymbol::") {
    asked_ = {std::string(kTracingLibrary), std::string(kCLibrary), std::string(kOldCLibrary)};
    at_ = 0;
    symbols.state = State::learning;
    return learn(symbols);
  }
  auto rest = request.substr(kSymbol.size());
  const std::string value(take_word(rest, ':'));
  if (symbols.state != State::learning || at_ == asked_.size() || rest != hex_bytes(asked_[at_])) return Step::pass();
  const auto name = asked_[at_++];
  if (name == kTracingLibrary && !value.empty()) {
    symbols.state = State::through;
    return Step::ask("qSymbol::");
  }
  auto& kept = symbols.values[name];
  const bool same = kept == value;
  if (!same) symbols.told = false;
  kept = value;
  if (name == kCLibrary && !same) symbols.values = {{name, value}};  // all that was known came from another place
  if (name == kOldCLibrary) {
    if (value.empty() && symbols.values[std::string(kCLibrary)].empty()) {
      symbols = {};
      return Step::answer("OK");
    }
    const auto ask = [&](const std::string& one) {
      if (symbols.values[one].empty()) asked_.push_back(one);
    };
    for (const auto* one : kNames) ask(one);
    for (const auto& one : names_) ask(one);
  }
  return learn(symbols);
}

Step LateSymbols::on_answer(std::string_view reply) {
  auto& symbols = processes_[process_];
  if (symbols.state == State::through) return Step::answer(std::string(reply));
  const auto question = expanded(reply).value_or("");
  if (!question.starts_with(kSymbol) || question.size() == kSymbol.size() || ++questions_ > kMostQuestions) {
    symbols.state = State::told;
    symbols.told = true;
    return Step::pass();
  }
  const auto digits = question.substr(kSymbol.size());
  const auto name = bytes_of_hex(digits).value_or("");
  const auto known = symbols.values.find(name);
  const bool usual = known != symbols.values.end();
  // The debugger is asked for it as well when it offers its symbols the next time.
  const bool added = std::ranges::find(names_, name) != names_.end();
  if (!usual && !added && names_.size() < kMostQuestions) names_.push_back(name);
  return Step::ask(std::string(kSymbol) + (usual ? known->second : "") + ":" + digits);
}

void LateSymbols::forget(Forget what) {
  if (what == Forget::program) processes_.erase(process_);
}

}  // namespace gdbdebug::client
