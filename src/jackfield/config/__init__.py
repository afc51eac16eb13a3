"""Configuration: find it, merge it, check it, show it. It knows nothing of plugins but their names.

- ``settings``: the values that come out: ``Settings``, ``BackendSettings``, ``LayerSettings``.
- ``load``: ``load()``, from a file, a mapping or the built-in default to ``Settings`` and all faults.
- ``resolve``: ``resolve()``, from a model name or an alias to a backend and its model.
- ``show``: ``show()``, back to plain values of the file's shape, without secrets.
- ``place``: where a value was written, so that a fault can name file, line and key.
- ``hints``: ``did_you_mean()``.

Order of strength: single values from the environment (``environment``), then the profile (``merge``), then the file
(``find``, ``lines``) or, without any, the built-in default (``default``).
"""
