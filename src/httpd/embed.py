#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUT.c FILE...: writes the table of assets.h.

Each file but index.html gets a name that holds a part of its SHA-256; where index.html says
"/assets/NAME", it says that name in the output. The output depends on the files alone.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
         '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png',
         '.ico': 'image/x-icon', '.json': 'application/json', '.txt': 'text/plain; charset=utf-8'}
INDEX = 'index.html'
A_LINE = 24


def hashed_name(file, content):
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f'/assets/{file.stem}-{digest}{file.suffix}'


def array(name, content):
    lines = [','.join(str(byte) for byte in content[at:at + A_LINE])
             for at in range(0, len(content), A_LINE)]
    return f'static const unsigned char {name}[] = {{\n' + ',\n'.join(lines) + '};\n'


def view(name):
    return f'{{(const char *){name}, sizeof({name})}}'


def row(number, path, kind, is_immutable):
    return (f'\t{{STR_INIT("{path}"), STR_INIT("{kind}"), {view(f"bytes_{number}")},\n'
            f'\t {view(f"gzip_{number}")}, {"true" if is_immutable else "false"}}},\n')


def assets(files):
    """(path, type, content, immutable) of each, index.html last: it names the others."""
    index = None
    names = {}
    found = []
    for file in sorted(files, key=lambda each: each.name):
        content = file.read_bytes()
        if not content:
            sys.exit(f'{file}: empty')
        if file.suffix not in TYPES:
            sys.exit(f'{file}: embed.py knows no type for {file.suffix}')
        if file.name == INDEX:
            index = content
            continue
        names[f'/assets/{file.name}'] = hashed_name(file, content)
        found.append((names[f'/assets/{file.name}'], TYPES[file.suffix], content, True))
    if index is None:
        sys.exit(f'there is no {INDEX}')
    for plain, hashed in names.items():
        index = index.replace(f'"{plain}"'.encode(), f'"{hashed}"'.encode())
    return found + [('/', TYPES['.html'], index, False)]


def main():
    rows = assets([pathlib.Path(name) for name in sys.argv[2:]])
    text = ['/* Written by embed.py. */\n#include "httpd/assets_table.h"\n\n']
    for number, (_, _, content, _) in enumerate(rows):
        text.append(array(f'bytes_{number}', content))
        text.append(array(f'gzip_{number}', gzip.compress(content, 9, mtime=0)))
    text.append('\nconst struct asset assets_table[] = {\n')
    for number, (path, kind, _, is_immutable) in enumerate(rows):
        text.append(row(number, path, kind, is_immutable))
    text.append(f'}};\nconst size_t assets_table_count = {len(rows)};\n')
    pathlib.Path(sys.argv[1]).write_text(''.join(text))


main()
