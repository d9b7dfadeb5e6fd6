// SPDX-License-Identifier: GPL-2.0-or-later
// inspect: see inspect.hpp.
#include "image/inspect.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "core/request/conf.hpp"
#include "core/request/kernel_line.hpp"
#include "core/request/request.hpp"

namespace gdbdebug::client {
namespace {

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool is_executable(const Node* node) {
  return node != nullptr && node->kind == Node::Kind::file && (node->mode & 0111U) != 0;
}

// Where gdbdebug's own files are: in the image itself, or in an overlay beside it, where what the manifest names lies
// below `root`.
struct Places {
  std::string helper = "/init";
  std::string agent = layout::kAgent;
  std::string manifest = layout::kManifest;
  std::string root;

  static Places of(const Facts& facts) {
    if (!facts.overlay) return {};
    return {layout::kOverlayInit, layout::kOverlayAgent, layout::kOverlayManifest, layout::kOverlayRoot};
  }
  // Where what the agent's root has as `path` is in the image.
  [[nodiscard]] std::string in_image(const std::string& path) const {
    return path == layout::kAgent ? agent : root + path;
  }
  [[nodiscard]] std::string remedy() const {
    return root.empty() ? "; build the image again" : "; make the overlay again";
  }
};

// --- The kernel's drivers. -------------------------------------------------------------------------------------------

// The names of drivers, as modprobe knows them: without path and suffixes, with _ for -.
std::string driver_name(std::string_view path) {
  auto name = base_name(path);
  name.resize(std::min(name.find(".ko"), name.size()));
  std::ranges::replace(name, '-', '_');
  return name;
}

void collect_modules(const Node& directory, Drivers& into) {
  for (const auto& [name, node] : directory.children) {
    if (node->kind == Node::Kind::directory) collect_modules(*node, into);
    if (node->kind != Node::Kind::directory && name.find(".ko") != std::string::npos) {
      into.modules.emplace(driver_name(name), node->path());
    }
  }
}

// Where modules can be: the image's own, and those that an overlay brings.
const std::array kModulePlaces{std::string("/usr/lib/modules/"), std::string("/lib/modules/"),
                               std::string(layout::kOverlayRoot) + "/lib/modules/"};

Drivers find_drivers(const Image& image, const BuiltIn& built_in) {
  Drivers drivers;
  if (image.kernel.empty()) return drivers;
  std::optional<std::string> list;
  for (const auto& prefix : kModulePlaces) {
    if (const Node* modules = image.tree.find(prefix + image.kernel); modules != nullptr)
      collect_modules(*modules, drivers);
    if (const auto text = image.tree.read(prefix + image.kernel + "/modules.builtin")) list = as_text(*text);
    if (const auto text = image.tree.read(prefix + image.kernel + "/modules.alias")) {
      for (auto rest = as_text(*text); !rest.empty();) {  // alias PATTERN MODULE
        auto line = take_word(rest, '\n');
        if (take_word(line, ' ') == "alias") drivers.aliases.emplace_back(take_word(line, ' '));
      }
    }
  }
  if (!list) list = built_in(image.kernel);
  drivers.built_in_known = list.has_value();
  std::string_view rest = list ? *list : std::string_view();
  while (!rest.empty()) {
    if (const auto line = take_word(rest, '\n'); !line.empty()) drivers.built_in.insert(driver_name(line));
  }
  return drivers;
}

// What a line needs: one driver out of each group. A name that ends in / stands for any module of that directory.
struct LineNeeds {
  std::string_view word;
  std::array<std::string_view, 2> groups;
};

constexpr std::array kLines{
    LineNeeds{"serial", {"8250 amba_pl011 imx qcom_geni_serial meson_uart", ""}},
    LineNeeds{"virtio", {"virtio_pci virtio_mmio virtio_ccw", "virtio_console"}},
    LineNeeds{"usb",
              {"xhci_pci ehci_pci xhci_plat_hcd dwc3 dwc2 ohci_pci uhci_hcd", "ftdi_sio pl2303 cp210x ch341 cdc_acm"}},
    LineNeeds{"vsock", {"vmw_vsock_virtio_transport vmw_vsock_vmci_transport hv_sock", ""}},
    LineNeeds{"net", {"virtio_net /drivers/net/ethernet/ hv_netvsc vmxnet3", ""}},
    LineNeeds{"ssh", {"virtio_net /drivers/net/ethernet/ hv_netvsc vmxnet3", ""}},
};

struct Found {
  std::string name;
  bool built_in = false;
};

std::optional<Found> find_driver(std::string_view group, const Drivers& drivers) {
  while (!group.empty()) {
    const auto end = std::min(group.find(' '), group.size());
    const auto name = group.substr(0, end);
    group.remove_prefix(std::min(end + 1, group.size()));
    if (name.starts_with('/')) {
      for (const auto& [module, path] : drivers.modules) {
        if (path.find(name) != std::string::npos) return Found{module, false};
      }
      continue;
    }
    if (drivers.built_in.contains(std::string(name))) return Found{std::string(name), true};
    if (drivers.modules.contains(std::string(name))) return Found{std::string(name), false};
  }
  return std::nullopt;
}

// The program that is the agent: of an image of gdbdebug 0.1 the helper itself.
std::string agent_name(const Tree& tree, const Places& places) {
  return places.root.empty() && has_one_program(TreeFiles(tree)) ? "/init" : places.agent;
}

// Whether the agent is the one for lines=net and ssh: the other one does not know where SSH's files are, and has no use
// for the name.
bool has_network_agent(const Tree& tree, const Places& places) {
  const auto agent = tree.read(agent_name(tree, places));
  return agent && as_text(*agent).find(layout::kDropbear) != std::string_view::npos;
}

// What ssh needs besides a network, as prepare_ssh() and serve_ssh() of the agent look for it; the first thing that is
// missing, or nothing.
std::string missing_for_ssh(const Tree& tree, const Places& places) {
  constexpr const char* kAdvice = "; build it with lines=ssh and authorized_keys=";
  const auto missing = [](std::string_view path) { return "there is no '" + std::string(path) + "' in the image"; };
  if (!is_executable(tree.find(places.in_image(layout::kDropbear)))) return missing(layout::kDropbear) + kAdvice;
  if (!tree.read(places.in_image(layout::kHostKey))) return missing(layout::kHostKey) + kAdvice;
  const auto keys = tree.read(places.in_image(layout::kAuthorizedKeys));
  if (!keys) return missing(layout::kAuthorizedKeys) + kAdvice;
  for (auto rest = as_text(*keys); !rest.empty();) {
    if (const auto line = trim(take_word(rest, '\n')); !line.empty() && !line.starts_with('#')) return {};
  }
  return "there is no key in '" + std::string(layout::kAuthorizedKeys) + "'" + kAdvice;
}

// What a line needs besides drivers; the first thing that is missing, or nothing.
std::string missing_for(std::string_view word, const Tree& tree, const Places& places) {
  if (word != "net" && word != "ssh") return {};
  if (!has_network_agent(tree, places))
    return "the agent for network lines is not in the image; build it with lines=" + std::string(word);
  return word == "ssh" ? missing_for_ssh(tree, places) : "";
}

LineFacts judge_line(const LineNeeds& needs, const Drivers& drivers, const Tree& tree, const Places& places) {
  LineFacts line;
  line.word = needs.word;
  line.works = true;
  if (auto missing = missing_for(needs.word, tree, places); !missing.empty()) {
    line.works = false;
    line.why = std::move(missing);
    return line;
  }
  for (const auto group : needs.groups) {
    if (group.empty()) continue;
    const auto found = find_driver(group, drivers);
    const std::string separator = line.why.empty() ? "" : ", ";
    if (found) {
      const Found& driver = *found;
      line.why += separator + driver.name + (driver.built_in ? " is built into the kernel" : " is in the image");
      continue;
    }
    line.works = false;
    line.known = drivers.built_in_known;
    line.why = "none of " + std::string(group) + " is in the image" +
               (drivers.built_in_known ? "" : ", and what is built into the kernel is not known here");
    return line;
  }
  return line;
}

// --- The image's own files. ------------------------------------------------------------------------------------------

std::string resolve(const Tree& tree, std::string_view path) {
  const Node* node = tree.find(path);
  return node != nullptr ? node->path() : "";
}

// Files under `node` that are programs or libraries and are not in `except`: calls `visit` with the names they need.
template <typename Visit>
void for_each_program(const Node& node, const std::set<std::string>& except, Visit visit) {
  for (const auto& [name, child] : node.children) {
    if (child->kind == Node::Kind::directory && name != "modules" && name != "firmware") {
      for_each_program(*child, except, visit);
    }
    if (child->kind != Node::Kind::file || !has_at(child->content->bytes, 0, "\177ELF")) continue;
    if (except.contains(child->path())) continue;
    if (const auto elf = read_elf(child->content->bytes)) visit(*elf);
  }
}

std::uint64_t measure_growth(const Tree& tree, const Facts& facts) {
  const auto places = Places::of(facts);
  std::set<std::string> ours{places.helper, resolve(tree, places.manifest),
                             resolve(tree, places.in_image(layout::kConfiguration))};
  std::map<std::string, std::string> libraries;  // by the names that programs know them by
  for (const auto& entry : facts.manifest) {
    const auto path = resolve(tree, places.in_image(entry));
    if (path.empty()) continue;
    ours.insert(path);
    libraries[entry] = path;
    libraries[base_name(entry)] = path;
  }
  // A library that another program needs too would be there without us, and so would what that one needs.
  const auto needed_elsewhere = [&](const Elf& elf) {
    std::vector<std::string> names = elf.needed;
    names.push_back(elf.interpreter);
    while (!names.empty()) {
      const auto found = libraries.find(names.back());
      names.pop_back();
      if (found == libraries.end() || ours.erase(found->second) == 0) continue;
      if (const auto content = tree.read(found->second)) {
        if (const auto library = read_elf(*content)) {
          names.insert(names.end(), library->needed.begin(), library->needed.end());
          names.push_back(library->interpreter);
        }
      }
    }
  };
  const auto all_of_ours = ours;
  // What is in an overlay is nobody else's.
  if (facts.overlay) libraries.clear();
  for_each_program(tree.root(), all_of_ours, needed_elsewhere);
  std::uint64_t total = 0;
  for (const auto& path : ours) {
    if (const auto content = tree.read(path)) total += content->size();
  }
  return total;
}

void judge_agent(const Tree& tree, Facts& facts) {
  const auto places = Places::of(facts);
  facts.one_program = !facts.overlay && has_one_program(TreeFiles(tree));
  if (facts.one_program) {
    facts.warnings.emplace_back("the image was made by gdbdebug 0.1; it works, but build it again to get what is new");
    return;
  }
  const auto content = tree.read(places.agent);
  const auto elf = content ? read_elf(*content) : std::nullopt;
  const auto name = "'" + places.agent + "'";
  const auto remedy = places.remedy();
  if (!content)
    facts.faults.push_back(name + " is missing" + remedy);
  else if (!elf)
    facts.faults.push_back(name + " is not a program" + remedy);
  else if (!is_executable(tree.find(places.agent)))
    facts.faults.push_back(name + " is not executable" + remedy);
  else if (!elf->interpreter.empty())
    facts.faults.push_back(name + " is not static: it needs '" + elf->interpreter + "'" + remedy);
  else if (elf->machine != facts.helper_machine)
    facts.faults.push_back(name + " is for " + elf->machine + ", but '" + places.helper + "' is for " +
                           facts.helper_machine);
}

std::string missing_library(const Library& library) {
  return "'" + library.wanted_by + "' needs '" + library.name + "', which is not in the image";
}

void judge_real_init(const Tree& tree, Facts& facts) {
  const auto& init = facts.real_init;
  const auto fault = [&](std::string text) { facts.faults.push_back(std::move(text)); };
  if (init.file.empty()) {
    const Node* link = tree.find(init.name, false);
    if (facts.overlay && link == nullptr) {
      fault("there is an overlay and no image; name the image that it is loaded behind, too");
      return;
    }
    fault("the real init is missing: '" + init.name + "'" +
          (link != nullptr ? " leads to '" + link->target + "', which is not in the image" : " is not there") +
          "; build the image again");
    return;
  }
  if (has_helper(TreeFiles(tree)) && resolve(tree, "/init") == init.file) {
    fault("'" + init.name + "' is the helper itself, so there is no real init; rebuild the image");
    return;
  }
  if (!is_executable(tree.find(init.file)))
    fault("the real init '" + init.file + "' is not executable; build the image again");
  if (init.program.empty() || tree.find(init.program) == nullptr) {
    fault("the real init '" + init.file + "' is neither a program nor a script whose interpreter is in the image" +
          (init.program.empty() ? "" : " ('" + init.program + "' is not there)"));
    return;
  }
  if (!init.elf) fault("'" + init.program + "', which the kernel would run, is not a program");
  for (const auto& library : init.libraries) {
    if (library.path.empty())
      facts.broken.push_back(missing_library(library) + ", so the real init ends before its main()");
  }
}

// The highest level that anything which runs in PID 1 or beside it asks for, and who asks. Which processor the target
// has is not known here.
void judge_processor(const Tree& tree, Facts& facts) {
  std::string wanted_by;
  const auto consider = [&](int level, const std::string& path) {
    if (level <= facts.x86_level) return;
    facts.x86_level = level;
    wanted_by = path;
  };
  if (facts.real_init.elf) consider(facts.real_init.elf->x86_level, facts.real_init.program);
  for (const auto& library : facts.real_init.libraries) consider(library.x86_level, resolve(tree, library.path));
  for (const auto& library : facts.libraries) consider(library.x86_level, resolve(tree, library.path));
  if (facts.x86_level == 0) return;
  facts.warnings.push_back("'" + wanted_by + "' needs a processor of level x86-64-v" + std::to_string(facts.x86_level) +
                           "; on another one the dynamic linker ends the program before its main()");
}

void judge_gdbserver(const Tree& tree, Facts& facts) {
  const auto fault = [&](std::string text) { facts.faults.push_back(std::move(text)); };
  const auto places = Places::of(facts);
  const auto remedy = places.remedy();
  const auto manifest = tree.read(places.manifest);
  if (!manifest) {
    fault("the manifest '" + places.manifest + "' is not there" + remedy);
    return;
  }
  auto rest = as_text(*manifest);
  while (!rest.empty()) {
    const auto line = trim(take_word(rest, '\n'));
    if (!line.empty() && !line.starts_with('#')) facts.manifest.emplace_back(line);
  }
  const auto listed = [&](const std::string& path) {
    return std::ranges::any_of(facts.manifest,
                               [&](const auto& entry) { return resolve(tree, places.in_image(entry)) == path; });
  };
  for (const auto& entry : facts.manifest) {
    if (tree.find(places.in_image(entry)) == nullptr)
      fault("'" + entry + "' is in the manifest, but not in the " + (facts.overlay ? "overlay" : "image") + remedy);
    if (base_name(entry) == "gdbserver") facts.gdbserver = entry;
    if (base_name(entry).starts_with("libthread_db")) facts.thread_db = entry;
  }
  if (const auto agent = agent_name(tree, places); !listed(agent))
    fault("'" + agent + "' is not in the manifest: the agent could not execute itself in its own root" + remedy);
  if (facts.gdbserver.empty()) {
    fault("there is no gdbserver in the manifest; install gdbserver and " +
          std::string(facts.overlay ? "make the overlay again" : "rebuild the image"));
    return;
  }
  const auto content = tree.read(places.in_image(facts.gdbserver));
  const auto elf = content ? read_elf(*content) : std::nullopt;
  if (!content) return;  // told above
  if (!elf) {
    fault("'" + facts.gdbserver + "' is not a program");
    return;
  }
  facts.gdbserver_build_id = elf->build_id;
  if (!is_executable(tree.find(places.in_image(facts.gdbserver)))) fault("'" + facts.gdbserver + "' is not executable");
  facts.libraries = library_closure(TreeFiles(tree, places.root), facts.gdbserver);
  for (const auto& library : facts.libraries) {
    if (library.path.empty()) {
      fault(missing_library(library) + remedy);
    } else if (!listed(resolve(tree, places.in_image(library.path)))) {
      fault("'" + library.path + "' is not in the manifest, but '" + library.wanted_by + "' needs it" + remedy);
    }
  }
  if (facts.thread_db.empty()) {
    const bool musl =
        std::ranges::any_of(facts.libraries, [](const auto& l) { return l.name.find("musl") != std::string::npos; });
    if (!musl && !facts.libraries.empty()) {
      facts.warnings.push_back(
          "there is no libthread_db in the manifest; gdb will not know thread-local variables and thread names");
    }
  }
  if (facts.real_init.elf && elf->machine != facts.real_init.elf->machine) {
    fault("gdbserver is for " + elf->machine + ", but the real init is for " + facts.real_init.elf->machine);
  }
}

}  // namespace

bool has_helper(const Files& files) {
  // A link would be the image's own init, whatever it leads to.
  if (files.resolve("/init") != "/init") return false;
  const auto init = files.read("/init");
  return init && has_at(*init, 0, "\177ELF") && as_text(*init).find("rd.gdbdebug") != std::string_view::npos;
}

bool has_overlay(const Files& files) {
  const auto init = files.read(layout::kOverlayInit);
  return init && has_at(*init, 0, "\177ELF") && as_text(*init).find("rd.gdbdebug") != std::string_view::npos;
}

bool has_one_program(const Files& files) {
  const auto init = files.read("/init");
  return init && as_text(*init).find(layout::kAgent) == std::string_view::npos;
}

RealInit find_real_init(const Files& files) {
  RealInit init;
  init.name = has_helper(files) ? layout::kRealInit : "/init";
  const auto content = files.read(init.name);
  if (!content) return init;
  init.file = files.resolve(init.name);
  init.program = init.file;
  if (const auto shebang = read_shebang(*content)) {
    init.script = true;
    init.program = files.resolve(shebang->interpreter);
    if (init.program.empty()) init.program = shebang->interpreter;
  }
  if (const auto program = files.read(init.program)) init.elf = read_elf(*program);
  return init;
}

std::optional<std::string> built_in_here(const std::string& version) {
  auto text = read_file("/lib/modules/" + version + "/modules.builtin", "reading");
  if (!text.ok()) return std::nullopt;
  return text.value();
}

bool has_module(const Drivers& drivers, std::string_view name) {
  const auto wanted = driver_name(name);
  if (drivers.modules.contains(wanted) || drivers.built_in.contains(wanted)) return true;
  return std::ranges::any_of(drivers.aliases, [&](const auto& pattern) {
    return ::fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
  });
}

Facts inspect(const Image& image, const BuiltIn& built_in) {
  const Tree& tree = image.tree;
  Facts facts;
  facts.warnings = image.notes;
  const TreeFiles files(tree);
  facts.overlay = has_overlay(files);
  facts.helper = facts.overlay || has_helper(files);
  const auto places = Places::of(facts);
  facts.real_init = find_real_init(files);
  if (!facts.helper) {
    const Node* init = tree.find("/init", false);
    facts.faults.push_back(std::string("gdbdebug is not in the image: '/init' is ") +
                           (init == nullptr                  ? "missing"
                            : init->kind == Node::Kind::link ? "a link to '" + init->target + "'"
                            : read_shebang(init->content ? init->content->bytes : Bytes()) ? "a script"
                                                                                           : "another program") +
                           "; build it with `dracut --add gdbdebug`, `mkinitcpio -A gdbdebug` or "
                           "`GDBDEBUG=y update-initramfs -u`, or again after include=always in /etc/gdbdebug.conf; or "
                           "leave it as it is and load the archive of gdbdebug-overlay(8) behind it");
  } else {
    const Node* init = tree.find(places.helper, false);
    if (!is_executable(init)) facts.faults.push_back("'" + places.helper + "' is not executable" + places.remedy());
    if (const auto elf = init->content ? read_elf(init->content->bytes) : std::nullopt) {
      facts.helper_build_id = elf->build_id;
      facts.helper_machine = elf->machine;
      if (!elf->interpreter.empty()) {
        facts.faults.push_back("'" + places.helper + "' is not static: it needs '" + elf->interpreter +
                               "' before anything else runs");
      }
    }
    judge_agent(tree, facts);
    facts.real_init.libraries = library_closure(files, facts.real_init.program);
    judge_real_init(tree, facts);
    judge_gdbserver(tree, facts);
    judge_processor(tree, facts);
  }

  const auto text = tree.read(facts.overlay ? layout::kOverlayConfiguration : layout::kConfiguration);
  const std::string_view configuration = text ? as_text(*text) : std::string_view();
  const auto default_value = conf_value(configuration, "default").value_or("");
  facts.default_value = default_value.empty() ? kDefaultValue : default_value;  // as read_settings() of the helper
  const auto wanted = " " + std::string(conf_value(configuration, "lines").value_or("serial virtio")) + " ";
  facts.drivers = find_drivers(image, built_in);
  for (const auto& needs : kLines) {
    auto line = judge_line(needs, facts.drivers, tree, places);
    line.wanted = wanted.find(" " + line.word + " ") != std::string::npos;
    const bool told = !line.known && image.kernel.empty();  // below, for all of them
    if (facts.helper && (text || !facts.overlay) && line.wanted && !line.works && !told) {
      facts.warnings.push_back("gdbdebug.conf asks for the line '" + line.word + "', but " + line.why);
    }
    facts.lines.push_back(std::move(line));
  }
  const bool network =
      std::ranges::any_of(facts.lines, [](const auto& l) { return l.wanted && (l.word == "net" || l.word == "ssh"); });
  if (facts.helper && network && !is_executable(tree.find(places.in_image(layout::kBusybox)))) {
    facts.warnings.push_back("there is no '" + std::string(layout::kBusybox) +
                             "' in the image, so no DHCP: the network lines need an address in rd.gdbdebug.ip=");
  }
  if (image.kernel.empty()) {
    facts.warnings.emplace_back(
        "there are no kernel modules in the image, so which lines work depends on what the kernel has built in");
  }
  if (facts.helper) facts.growth = measure_growth(tree, facts);
  return facts;
}

}  // namespace gdbdebug::client
