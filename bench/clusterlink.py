from bench.copiers import MirrorMaker


class Clusterlink(MirrorMaker):
    pass
