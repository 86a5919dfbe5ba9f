"""A recording enters, a small MP3 that browsers play leaves: for the ears of the person who corrects its words."""

from pathlib import Path

from pipeline.audio.child import PLAIN, QUIET, feeding, file_out, sound_in
from pipeline.audio.encoder import ffmpeg_program, ffmpeg_version
from pipeline.audio.source import Progress, decoded, resampled
from pipeline.model import AudioSettings

RECIPE = "1"
RATE_HZ = 32_000  # the lowest of layer III of MPEG-1, whose delay of 1105 samples is then 35 ms where a player shows it
BIT_RATE_KBPS = 64
EVEN = "dynaudnorm=framelen=500:gausssize=15:maxgain=20:peak=0.8"  # who sat far away is heard; no moment is shifted


def listening_copy(
    sources: tuple[Path, ...], destination: Path, settings: AudioSettings, progress: Progress | None = None
) -> int:
    """Write a small copy of a recording on the recording's own clock, its voices brought to a similar level.

    Args:
        sources: the parts of one recording, in order.
        destination: the MP3 to write, one channel, at a constant bit rate, so that players find every moment.
        settings: which ffmpeg program.
        progress: is told the part (0 to 1) of the recording that is done.

    Returns:
        Its length in ms, which is the recording's.

    Raises:
        AudioError: a part cannot be decoded, or the file cannot be written.
    """
    samples = 0
    coding = ("-af", EVEN, "-c:a", "libmp3lame", "-b:a", f"{BIT_RATE_KBPS}k", "-abr", "0", *PLAIN)
    file = ("-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "1", "-f", "mp3", "-y", file_out(destination))
    command = [ffmpeg_program(settings), *QUIET, *sound_in(rate_hz=RATE_HZ, channels=1), *coding, *file]
    sizes = [source.stat().st_size if source.exists() else 0 for source in sources]
    with feeding(command, destination.parent) as child:
        for number, source in enumerate(sources):
            told = _part(progress, sum(sizes[:number]), sizes[number], sum(sizes))
            for block in resampled(decoded(source, told), rate_hz=RATE_HZ, channels=1):
                child.write(block)
                samples += block.shape[1]
        child.finish()
    return round(samples * 1000 / RATE_HZ)


def listening_recipe(settings: AudioSettings) -> dict[str, str]:
    """List everything apart from the recording that changes its copy, for the key it is cached under.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    return {"ffmpeg": ffmpeg_version(settings), "recipe": RECIPE}


def _part(progress: Progress | None, before: int, own: int, total: int) -> Progress | None:
    if progress is None or not total:
        return None
    return lambda done: progress((before + done * own) / total)
