"""Root certificates as the build lays them out: OpenSSL finds every one of certifi's there, and nothing else is trusted."""

import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import certifi
import pytest
from cryptography import x509

from tests.deployed.sources import ROOT
from tests.kit.authority import NAME, Authority
from wechatpay.tls import client_context

CERTIFI = Path(certifi.where())
BEGINNING = "-----BEGIN CERTIFICATE-----"


def laid_out(file: Path) -> Path:
    """What the build makes of a file of root certificates."""
    subprocess.run([sys.executable, ROOT / "layers/dependencies/roots.py", file], check=True, timeout=60)
    return file.with_name(f"{file.name}.d")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """certifi's, as the layer has them."""
    file = tmp_path_factory.mktemp("certifi") / "cacert.pem"
    shutil.copy(CERTIFI, file)
    return laid_out(file)


def authority(folder: Path, name: x509.Name = NAME) -> Authority:
    """One in a folder of its own."""
    folder.mkdir()
    return Authority(folder, name)


def greet(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A TLS handshake in memory. Raises ssl.SSLCertVerificationError where the client does not believe the server."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue


# Some roots are older than the rule for serial numbers.
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_openssl_finds_whoever_has_the_name_of_one_of_the_roots(folder: Path, tmp_path: Path) -> None:
    """An authority of the test's under each name, in the place where the build has put the real one."""
    files = sorted(folder.iterdir())
    assert len(files) > 100
    for file in files:
        name = x509.load_pem_x509_certificate(file.read_bytes()).subject
        authority = Authority(tmp_path, name)
        assert (
            x509.load_pem_x509_certificate(authority.file.read_bytes()).subject.public_bytes()
            == name.public_bytes()
        )
        place = tmp_path / "roots"
        place.mkdir()
        shutil.copy(authority.file, place / f"{file.stem}.0")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(capath=place)
        greet(context, authority.context())
        shutil.rmtree(place)


def test_every_root_is_there_once_and_as_it_is_in_the_file(folder: Path) -> None:
    parts = re.findall(rf"{BEGINNING}[^-]+-----END CERTIFICATE-----", CERTIFI.read_text())
    whole = [ssl.PEM_cert_to_DER_cert(part) for part in parts]
    left = [ssl.PEM_cert_to_DER_cert(file.read_text()) for file in folder.iterdir()]
    assert len(whole) > 100
    assert sorted(left) == sorted(whole)


@pytest.fixture
def authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that stands in for certifi's."""
    file = tmp_path / "cacert.pem"
    monkeypatch.setattr(certifi, "where", lambda: str(file))
    return file


def test_a_server_under_a_root_in_the_folder_is_believed_and_no_other(
    authorities: Path, tmp_path: Path
) -> None:
    known, unknown = authority(tmp_path / "known"), authority(tmp_path / "unknown")
    authorities.write_text(f"Known\n{known.file.read_text()}")
    laid_out(authorities)
    authorities.unlink()  # nobody reads the file any more
    context = client_context.__wrapped__()
    greet(context, known.context())
    for faulty in (
        unknown.context(),
        known.context(ended=True),
        known.context(own=True),
        known.context(host="127.0.0.2"),
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            greet(context, faulty)


def test_two_roots_of_one_name_are_both_found(authorities: Path, tmp_path: Path) -> None:
    """As while a root is replaced by a younger one; here neither says which key it is signed with."""
    both = authority(tmp_path / "old"), authority(tmp_path / "new")
    authorities.write_text("".join(one.file.read_text() for one in both))
    assert {file.suffix for file in laid_out(authorities).iterdir()} == {".0", ".1"}
    context = client_context.__wrapped__()
    for one in both:
        greet(context, one.context())


def test_laid_out_anew_nothing_is_left_of_before(authorities: Path, tmp_path: Path) -> None:
    gone, there = authority(tmp_path / "gone"), authority(tmp_path / "there")
    for one in (gone, there):
        shutil.copy(one.file, authorities)
        folder = laid_out(authorities)
    assert [file.read_text() for file in folder.iterdir()] == [there.file.read_text()]


def test_where_nothing_was_laid_out_the_file_counts(authorities: Path, tmp_path: Path) -> None:
    known = Authority(tmp_path)
    shutil.copy(known.file, authorities)
    greet(client_context.__wrapped__(), known.context())


def test_authorities_that_somebody_names_are_the_only_ones(authorities: Path, tmp_path: Path) -> None:
    """Whatever lies beside certifi's."""
    public, own = authority(tmp_path / "public"), authority(tmp_path / "own")
    shutil.copy(public.file, authorities)
    laid_out(authorities)
    context = client_context.__wrapped__(str(own.file))
    greet(context, own.context())
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(context, public.context())


@pytest.mark.parametrize("kept", [1, 60, 400])
def test_a_certificate_that_is_cut_off_ends_the_build(tmp_path: Path, kept: int) -> None:
    whole = ssl.PEM_cert_to_DER_cert(Authority(tmp_path).file.read_text())
    (tmp_path / "cacert.pem").write_text(ssl.DER_cert_to_PEM_cert(whole[:kept]))
    with pytest.raises(subprocess.CalledProcessError):
        laid_out(tmp_path / "cacert.pem")
