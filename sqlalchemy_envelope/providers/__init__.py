"""What wraps and unwraps data keys: a static key, or a KMS."""
