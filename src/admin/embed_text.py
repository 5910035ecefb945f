#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_text.py OUT.c HEADER NAME FILE: writes the file's bytes as the array NAME, its length as NAME_len."""
import pathlib
import sys

out, header, name, file = sys.argv[1:]
content = pathlib.Path(file).read_bytes()
rows = [','.join(map(str, content[at:at + 24])) for at in range(0, len(content), 24)]
pathlib.Path(out).write_text(f'/* Written by embed_text.py. */\n#include "{header}"\n\nconst unsigned char {name}[] = {{\n'
                             + ',\n'.join(rows) + f'}};\nconst size_t {name}_len = sizeof({name});\n')
