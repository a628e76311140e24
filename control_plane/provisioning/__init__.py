"""Apps made and removed on request: durable workflows that go on after whatever stops them."""
