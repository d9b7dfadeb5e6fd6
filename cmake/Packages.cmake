# SPDX-License-Identifier: GPL-2.0-or-later
# CPack: what `cpack` makes of the install tree.
