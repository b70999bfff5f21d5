"""How alerts reach a person."""
