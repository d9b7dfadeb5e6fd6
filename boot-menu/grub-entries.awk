# SPDX-License-Identifier: GPL-2.0-or-later
# grub-entries.awk: makes debugging entries of the entries that 10_linux has printed. Environment: READY, the words by
# which GRUB's script calls the images that are ready; VALUE; SUFFIX of the titles; OVERLAY, the name of the archive
# beside the images, or empty; WORD, what the command line needs with it.
#
# The entry of the newest kernel is at the top, the others in a submenu of their own: as 10_linux has them. Entries for
# recovery and for another init are not repeated. Left out is savedefault: a machine that waits for a debugger for ever must
# not do the same at its next boot.

BEGIN {
    count = split(ENVIRON["READY"], words, " ")
    for (i = 1; i <= count; i++) is_ready[words[i]] = 1
    suffix = ENVIRON["SUFFIX"]
    overlay = ENVIRON["OVERLAY"]
}

# In a title a quote is written as four characters, so this includes the whole of it.
function retitle(line, keyword) {
    if (!match(line, "^[ \t]*" keyword " \047([^\047]|\047\\\\\047\047)*\047")) return line
    return substr(line, 1, RLENGTH - 1) suffix "\047" substr(line, RLENGTH + 1)
}

# `gdbdebug-boot once VALUE` leaves VALUE in GRUB's environment; it is used for one boot.
function value_lines(indent) {
    return indent "set gdbdebug_value=\047" ENVIRON["VALUE"] "\047\n" \
        indent "if [ -n \"${gdbdebug_once}\" ]; then\n" \
        indent "\tset gdbdebug_value=\"${gdbdebug_once}\"\n" \
        indent "\tset gdbdebug_once=\n" \
        indent "\tsave_env gdbdebug_once\n" \
        indent "fi\n"
}

# WORD without the overlay is a kernel panic: where the file is missing or empty the machine boots as from its everyday entry.
function guarded(ours, plain) {
    return "\tif [ -s \047@OVERLAY@\047 ]; then\n" ours "\n\telse\n" plain "\n\tfi\n"
}

function folder_of(path) {
    sub(/[^\/]*$/, "", path)
    return path
}

# The kernel's line: our words stand directly behind its path.
function linux_line(line,    ours, end) {
    ours = "rd.gdbdebug=\"${gdbdebug_value}\""
    if (overlay == "") return line " " ours "\n"
    match(line, /^[ \t]*[^ \t]+[ \t]+[^ \t]+/)
    end = RLENGTH
    return guarded(substr(line, 1, end) " " ENVIRON["WORD"] " " ours substr(line, end + 1), line)
}

function initrd_line(line,    i) {
    for (i = 2; i <= NF; i++) {
        if ($i in is_ready) {
            ready_here = 1
            where = folder_of($i)
        }
    }
    if (overlay == "" || !ready_here) return line "\n"
    return guarded(line " " where overlay, line)
}

function finish() {
    if (wanted && ready_here) {
        gsub(/@OVERLAY@/, where overlay, entry)
        if (!in_submenu) top = top entry
        else below = below entry
    }
    entry = ""
}

/^[ \t]*submenu / {
    in_submenu = 1
    submenu = retitle($0, "submenu")
    sub(/gnulinux-/, "gdbdebug-", submenu)
    next
}

/^[ \t]*menuentry / {
    in_entry = 1
    ready_here = 0
    where = ""
    wanted = $0 !~ /gnulinux-[^\047]*-(recovery|init-[a-z]+)-/
    entry = retitle($0, "menuentry")
    sub(/gnulinux-/, "gdbdebug-", entry)
    entry = entry "\n" value_lines("\t")
    next
}

!in_entry {
    if ($1 == "}") in_submenu = 0
    next
}

$1 == "savedefault" { next }

$1 ~ /^linux(efi|16)?$/ {
    entry = entry linux_line($0)
    next
}

$1 ~ /^initrd(efi|16)?$/ {
    entry = entry initrd_line($0)
    next
}

{ entry = entry $0 "\n" }

$1 == "}" {
    in_entry = 0
    finish()
}

END {
    # A submenu sees only variables that are exported.
    if (top != "" || below != "") print "export gdbdebug_once"
    printf "%s", top
    if (below != "") printf "%s\n%s}\n", submenu, below
}
