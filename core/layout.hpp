// SPDX-License-Identifier: GPL-2.0-or-later
// layout: where things lie in an image. Every path once; generators/layout.sh has the same ones for the shell, made
// from this file when it is built.
#pragma once

namespace gdbdebug::layout {

/// What would have been /init without us: a file, or a link to it.
inline constexpr const char* kRealInit = "/usr/lib/gdbdebug/init";
/// The agent, with or without the network.
inline constexpr const char* kAgent = "/usr/lib/gdbdebug/gdbdebug-agent";
/// One path a line: what the agent copies into its own root.
inline constexpr const char* kManifest = "/usr/lib/gdbdebug/files";
inline constexpr const char* kConfiguration = "/etc/gdbdebug.conf";
/// The same in an overlay, a second archive beside an image that was made without us (gdbdebug-overlay(8)). Everything
/// is below one top-level folder: /usr can be a link in that image, or missing. What the manifest names lies below
/// kOverlayRoot.
inline constexpr const char* kOverlay = "/gdbdebug";
inline constexpr const char* kOverlayInit = "/gdbdebug/init";
inline constexpr const char* kOverlayAgent = "/gdbdebug/gdbdebug-agent";
inline constexpr const char* kOverlayManifest = "/gdbdebug/files";
inline constexpr const char* kOverlayRoot = "/gdbdebug/root";
inline constexpr const char* kOverlayConfiguration = "/gdbdebug/root/etc/gdbdebug.conf";
/// For DHCP, with lines=net and ssh.
inline constexpr const char* kBusybox = "/usr/lib/gdbdebug/busybox";
/// The home of whoever logs in with lines=ssh, and what is in it.
inline constexpr const char* kSshHome = "/usr/lib/gdbdebug/ssh";
inline constexpr const char* kDropbear = "/usr/lib/gdbdebug/ssh/dropbear";
inline constexpr const char* kHostKey = "/usr/lib/gdbdebug/ssh/host_key";
inline constexpr const char* kAuthorizedKeys = "/usr/lib/gdbdebug/ssh/authorized_keys";
inline constexpr const char* kFingerprint = "/usr/lib/gdbdebug/ssh/fingerprint";

}  // namespace gdbdebug::layout
