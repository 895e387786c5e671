"""The LanceDB tables: schema, the one writer, readers, maintenance."""
