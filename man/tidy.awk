# SPDX-License-Identifier: GPL-2.0-or-later
# tidy.awk: puts the paragraph macros in scdoc's output where a paragraph begins: not beside a heading, and after the end
# of an indented block instead of before it. mandoc warns of each of the others.
function is_heading(line) { return line ~ /^\.(SH|SS|TH)( |$)/ }
$0 == ".P" || $0 == ".PP" { held = !after_heading; next }
$0 == ".RE" { print; next }
{
    # Before an indented block it is the empty line alone that is wanted.
    if (held && !is_heading($0)) print $0 ~ /^\.RS( |$)/ ? ".sp" : ".P"
    held = 0
    print
    after_heading = is_heading($0)
}
