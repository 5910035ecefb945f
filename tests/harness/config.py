# SPDX-License-Identifier: Apache-2.0
"""Reads and changes a mailserver.cfg for tests, with a parser that is not Postern's own."""
import re
import xml.etree.ElementTree as ElementTree


def same(a, b):
    return (a or "").lower() == b.lower()


class Config:
    def __init__(self, path):
        self.path = path
        self.tree = ElementTree.parse(path)
        self.root = self.tree.getroot()

    def table(self, name):
        for table in self.root.iter("table"):
            if same(table.get("name"), name):
                return table
        return ElementTree.SubElement(self.root, "table", name=name)

    def items(self, name):
        return [item for listed in self.root.iter("list") if same(listed.get("name"), name)
                for item in listed.iter("listitem")]

    def item(self, list_name, item_name):
        for item in self.items(list_name):
            if same(self.get(item, "Name"), item_name):
                return item
        raise KeyError(f"{list_name}[{item_name}]")

    def item_add(self, list_name, **variables):
        """Adds a record to a list, which is made if it is not there."""
        listed = next((one for one in self.root.iter("list") if same(one.get("name"), list_name)), None)
        if listed is None:
            listed = ElementTree.SubElement(self.root, "list", name=list_name)
        item = ElementTree.SubElement(listed, "listitem")
        for name, value in variables.items():
            self.put(item, name, value)
        return item

    def items_remove(self, list_name):
        """Removes all records of a list."""
        for listed in self.root.iter("list"):
            if same(listed.get("name"), list_name):
                listed[:] = []

    @staticmethod
    def get(parent, name, default=None):
        for variable in parent.iter("variable"):
            if same(variable.get("name"), name):
                return (variable.text or "").strip()
        return default

    @staticmethod
    def put(parent, name, value):
        """Sets a variable; None removes it."""
        for variable in list(parent.iter("variable")):
            if same(variable.get("name"), name):
                if value is None:
                    parent.remove(variable)
                    return
                variable.text = value
                return
        if value is not None:
            ElementTree.SubElement(parent, "variable", name=name).text = value

    def change(self, place, value):
        """`Limits.LineBytes`, or `Service[IMAP].AllowPlainLogin` for a record of a list."""
        record = re.fullmatch(r"(\w+)\[([^\]]*)\]\.(\w+)", place)
        if record:
            self.put(self.item(record[1], record[2]), record[3], value)
            return
        table, dot, name = place.partition(".")
        if not dot:
            raise ValueError(f"{place}: expected Table.Variable or List[Name].Variable")
        self.put(self.table(table), name, value)

    def services(self):
        """Service name -> port."""
        return {self.get(item, "Name"): int(self.get(item, "Port")) for item in self.items("Service")}

    def write(self):
        self.tree.write(self.path, encoding="utf-8", xml_declaration=True)
