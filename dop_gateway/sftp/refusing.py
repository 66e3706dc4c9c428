"""What SFTP knows and the drop does not: all of it is refused, whoever asks.

The library's own server does these to real files; a method that were left out would do
so too.
"""

from typing import NoReturn

from asyncssh import SFTPAttrs, SFTPOpUnsupported, SFTPPermissionDenied, SFTPServer


class RefusingServer(SFTPServer):
    """Refuses links, attributes, folders, locks, and versions beyond 3."""

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Refuse."""
        _ = path, attrs
        raise SFTPPermissionDenied("attributes cannot be set")

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Refuse."""
        _ = path, attrs
        raise SFTPPermissionDenied("attributes cannot be set")

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Refuse."""
        _ = file_obj, attrs
        raise SFTPPermissionDenied("attributes cannot be set")

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Refuse."""
        _ = path, attrs
        raise SFTPPermissionDenied("there are two folders, and no others")

    def rmdir(self, path: bytes) -> None:
        """Refuse."""
        _ = path
        raise SFTPPermissionDenied("there are two folders, and they stay")

    def readlink(self, path: bytes) -> bytes:
        """Refuse."""
        _ = path
        raise SFTPOpUnsupported("there are no links")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse."""
        _ = oldpath, newpath
        raise SFTPOpUnsupported("there are no links")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse."""
        _ = oldpath, newpath
        raise SFTPOpUnsupported("there are no links")

    def statvfs(self, path: bytes) -> NoReturn:
        """Refuse: there is no file system."""
        _ = path
        raise SFTPOpUnsupported("there is no file system")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """Refuse: there is no file system."""
        _ = file_obj
        raise SFTPOpUnsupported("there is no file system")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> None:
        """Refuse."""
        _ = file_obj, offset, length, flags
        raise SFTPOpUnsupported("there are no locks")

    def unlock(self, file_obj: object, offset: int, length: int) -> None:
        """Refuse."""
        _ = file_obj, offset, length
        raise SFTPOpUnsupported("there are no locks")

    def open56(
        self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs
    ) -> object:
        """Refuse."""
        _ = path, desired_access, flags, attrs
        raise SFTPOpUnsupported("version 3 is spoken here")

    def map_path(self, path: bytes) -> bytes:
        """Refuse: no path leads to a file of this computer."""
        _ = path
        raise SFTPPermissionDenied("there is no such path")

    def reverse_map_path(self, path: bytes) -> bytes:
        """Refuse."""
        return self.map_path(path)
