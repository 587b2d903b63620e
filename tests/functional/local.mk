## tests/functional
