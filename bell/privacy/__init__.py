"""What we owe people: access, reasons, erasure, retention. The one room that must know every other."""
