//! Rule files: what is read, refused and doubted.
