# SPDX-License-Identifier: Apache-2.0
"""What dialogue and system tests share: a real Postern in a home of its own."""
